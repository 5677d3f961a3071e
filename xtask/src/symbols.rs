//! What a built plugin shows to the host: its entry points and nothing else; and what it carries for nobody.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use object::read::NameOrOrdinal;
use object::{Object, ObjectSymbol};

use crate::failure::{Failure, Result};

/// What a library that is a CLAP and a VST3 plugin has to export.
pub const ENTRY_POINTS: &[&str] = if cfg!(target_os = "macos") {
    &["clap_entry", "GetPluginFactory", "bundleEntry", "bundleExit"]
} else if cfg!(windows) {
    &["clap_entry", "GetPluginFactory", "InitDll", "ExitDll"]
} else {
    &["clap_entry", "GetPluginFactory", "ModuleEntry", "ModuleExit"]
};

/// Fails unless the library exports exactly `expected`.
///
/// Anything beyond the entry points could be bound to, or clash with, another plugin's symbol of the
/// same name in the host's process.
///
/// # Errors
/// If the file cannot be read, or with the names that are missing or too many.
pub fn check_exports(library: &Path, expected: &[&str]) -> Result<()> {
    let exported = exports(library)?;
    let expected: BTreeSet<String> = expected.iter().map(|&name| name.to_owned()).collect();
    if exported == expected {
        return Ok(());
    }
    let list = |names: Vec<&String>| {
        let shown: Vec<&str> = names.iter().take(20).map(|name| name.as_str()).collect();
        let more = names.len() - shown.len();
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{tail}", shown.join(", "))
    };
    let mut problems = Vec::new();
    let missing: Vec<_> = expected.difference(&exported).collect();
    if !missing.is_empty() {
        problems.push(format!("does not export {}", list(missing)));
    }
    let extra: Vec<_> = exported.difference(&expected).collect();
    if !extra.is_empty() {
        problems.push(format!("exports what it should keep to itself: {}", list(extra)));
    }
    let problem = problems.join("; ");
    Err(Failure::Content { path: library.to_owned(), line: None, problem })
}

/// Names that other libraries can bind to, as the linker of the platform writes them in C.
///
/// # Errors
/// If the file cannot be read or is no object file.
pub fn exports(library: &Path) -> Result<BTreeSet<String>> {
    let bytes = fs::read(library).map_err(|source| Failure::file("read", library, source))?;
    let unreadable = |error: object::Error| unreadable(library, error);
    let file = object::File::parse(&*bytes).map_err(unreadable)?;
    let prefix = name_prefix(&file);
    let mut names = BTreeSet::new();
    for export in file.exports().map_err(unreadable)? {
        let name = match export.map_err(unreadable)?.into_name() {
            NameOrOrdinal::Name(name) => String::from_utf8_lossy(&name).into_owned(),
            NameOrOrdinal::Ordinal(ordinal) => format!("#{ordinal}"),
        };
        names.insert(name.strip_prefix(prefix).unwrap_or(&name).to_owned());
    }
    Ok(names)
}

/// Fails if the library carries names that no loader reads: a symbol table for debuggers.
///
/// # Errors
/// If the file cannot be read, or with how many names it carries.
pub fn check_stripped(library: &Path) -> Result<()> {
    let exported = exports(library)?;
    let bytes = fs::read(library).map_err(|source| Failure::file("read", library, source))?;
    let file = object::File::parse(&*bytes).map_err(|error| unreadable(library, error))?;
    let prefix = name_prefix(&file);
    // Mach-O has one table for loader and debugger.
    let is_exported = |name: &str| exported.contains(name.strip_prefix(prefix).unwrap_or(name));
    let kept = file
        .symbols()
        .filter(|symbol| symbol.is_definition() && !symbol.name().is_ok_and(is_exported))
        .count();
    if kept == 0 {
        return Ok(());
    }
    let problem = format!("is not stripped: it carries the names of {kept} symbols");
    Err(Failure::Content { path: library.to_owned(), line: None, problem })
}

fn unreadable(library: &Path, error: object::Error) -> Failure {
    Failure::Content {
        path: library.to_owned(),
        line: None,
        problem: format!("is no plugin binary: {error}"),
    }
}

/// Mach-O puts an underscore in front of every C name.
fn name_prefix(file: &object::File<'_>) -> &'static str {
    let mach_o = matches!(file, object::File::MachO32(_) | object::File::MachO64(_));
    if mach_o { "_" } else { "" }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::process::Command;

    const ONE: &[&str] = &["clap_entry"];

    /// A shared library made from a line of C, in a folder of the test's own.
    fn library(name: &str, source: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("krach-symbols-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (c, so) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
        fs::write(&c, source).unwrap();
        let mut gcc = Command::new("gcc");
        gcc.args(["-shared", "-fPIC", "-o"]).arg(&so).arg(&c);
        assert!(gcc.status().unwrap().success());
        so
    }

    #[test]
    fn a_library_with_just_its_entry_point_passes() {
        let so = library("good", "int clap_entry = 1; static int own(void) { return 2; }");
        check_exports(&so, ONE).unwrap();
    }

    #[test]
    fn a_symbol_that_leaks_is_named() {
        let so = library("leaky", "int clap_entry = 1; int LLVMInitialize(void) { return 2; }");
        let text = check_exports(&so, ONE).unwrap_err().to_string();
        assert!(text.ends_with("exports what it should keep to itself: LLVMInitialize"), "{text}");
    }

    #[test]
    fn a_library_without_the_entry_point_is_refused() {
        let so = library("empty", "static int own = 2;");
        let text = check_exports(&so, ONE).unwrap_err().to_string();
        assert!(text.contains("does not export clap_entry"), "{text}");
    }

    #[test]
    fn what_a_library_imports_is_not_an_export() {
        let so = library(
            "imports",
            "#include <stdlib.h>\nint clap_entry = 1; static void* f(void) { return malloc(1); }\n\
             void* (*hidden)(void) __attribute__((visibility(\"hidden\"))) = f;",
        );
        check_exports(&so, ONE).unwrap();
    }

    #[test]
    fn a_library_is_stripped_once_its_symbol_table_is_gone() {
        let so =
            library("named", "int clap_entry = 1; static int own(void) { return 2; } int (*f)(void) = own;");
        let text = check_stripped(&so).unwrap_err().to_string();
        assert!(text.contains("is not stripped: it carries the names of"), "{text}");
        assert!(Command::new("strip").arg(&so).status().unwrap().success());
        check_stripped(&so).unwrap();
        let exported = exports(&so).unwrap();
        assert!(exported.contains("clap_entry"), "{exported:?}");
    }

    #[test]
    fn a_file_that_is_no_library_is_refused() {
        let text = exports(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")));
        assert!(text.unwrap_err().to_string().contains("is no plugin binary"));
    }
}
