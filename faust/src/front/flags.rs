/// How the `faust` command is told to make bitcode, whoever calls it: at run time, or when sounds are
/// built in.
pub(crate) const FLAGS: [&str; 6] = ["-lang", "llvm", "-single", "-ct", "1", "-cn"];
/// Name that FAUST gives the generated class: goes behind the flags.
pub(crate) const CLASS: &str = "mydsp";
