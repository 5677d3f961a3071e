//! Whether a file of bitcode is all there: by the lengths that it gives itself.
//!
//! A command that runs out of disk, or is killed as it writes, leaves the beginning of one. LLVM would call
//! that damaged, and not say why.

/// What LLVM's bitcode begins with.
const MAGIC: u32 = u32::from_le_bytes(*b"BC\xC0\xDE");
/// The block that holds the module.
const MODULE: u32 = 8;
/// The block of the names in it, which is written last.
const NAMES: u32 = 23;

/// Do its blocks follow each other to its last byte, a module among them and the names at the end?
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<4>();
    let word = |at: usize| words.get(at).map(|word| u32::from_le_bytes(*word));
    if !rest.is_empty() || word(0) != Some(MAGIC) {
        return false;
    }
    let (mut at, mut module, mut last) = (1, false, 0);
    while at < words.len() {
        // Two bits that say "a block", eight for its kind and four for the width of what is in it, each
        // with a bit for "more follows", which none of LLVM's kinds needs; then its length in words.
        let (Some(head), Some(length)) = (word(at), word(at + 1)) else { return false };
        if head & 0b11 != 1 || head & (1 << 9 | 1 << 13) != 0 {
            return false;
        }
        last = head >> 2 & 0x7f;
        module |= last == MODULE;
        let Some(next) = at.checked_add(2 + length as usize).filter(|next| *next <= words.len()) else {
            return false;
        };
        at = next;
    }
    module && last == NAMES
}

#[cfg(test)]
mod tests {
    use super::is_whole;
    use crate::front::child::ChildLimits;
    use crate::front::closure::gather;
    use crate::front::command::FaustCommand;
    use crate::source::Source;

    #[test]
    fn what_the_command_writes_is_whole_and_no_beginning_of_it_is() {
        let command = FaustCommand::find().expect("the faust command is installed (cargo xtask setup)");
        let source = Source::inline("whole", "process = *(hslider(\"gain\", 1, 0, 1, 0.1)) : @(100);");
        let closure = gather(&source, None, |_| false).expect("harmless");
        let bitcode = command.bitcode(&closure, ChildLimits::default(), &|| false).expect("compiles");
        assert!(is_whole(&bitcode));
        for length in 0..bitcode.len() {
            assert!(!is_whole(&bitcode[..length]), "cut at {length}");
        }
    }
}
