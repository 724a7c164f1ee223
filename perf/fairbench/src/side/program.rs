//! A finished program: its bytes, and the part of them that the system loads when it is started.
//!
//! Two builds of the same code differ in what is never loaded: debug information names other lines and directories.
//! What is loaded decides what the processor does. Equal loaded sections are an equal program, whatever the sources
//! say.

use std::path::Path;

use anyhow::Context;
use object::read::{Object, ObjectSection};
use object::{SectionFlags, SectionKind};
use serde::{Deserialize, Serialize};

/// A program, as it lay on disk when it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Digest of the whole file.
    pub digest: String,
    /// Digest of the sections that are loaded; that of the whole file if its format is not known.
    pub loaded: String,
}

impl Program {
    /// Reads a program from its file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let loaded = loaded_sections(&bytes).unwrap_or_else(|| digest.clone());
        Ok(Self { digest, loaded })
    }
}

/// Name, address and content of every section that is loaded; `None` if the bytes are not a program that can be read.
fn loaded_sections(bytes: &[u8]) -> Option<String> {
    let file = object::File::parse(bytes).ok()?;
    let mut identity = blake3::Hasher::new();
    let mut sections = 0_usize;
    for section in file.sections() {
        let name = section.name_bytes().unwrap_or_default();
        // The linker's mark is a digest of the whole file.
        if !is_loaded(&section) || name == b".note.gnu.build-id" {
            continue;
        }
        sections += 1;
        identity.update(name).update(&[0]).update(&section.address().to_le_bytes());
        identity.update(&section.size().to_le_bytes()).update(section.data().unwrap_or_default());
    }
    (sections > 0).then(|| identity.finalize().to_hex().to_string())
}

fn is_loaded<'data>(section: &impl ObjectSection<'data>) -> bool {
    match section.flags() {
        SectionFlags::Elf { sh_flags, .. } => sh_flags.0 & object::elf::SHF_ALLOC.0 != 0,
        _ => !matches!(section.kind(), SectionKind::Debug | SectionKind::Metadata | SectionKind::Note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_read_with_the_sections_that_are_loaded() {
        let own = std::env::current_exe().unwrap();
        let program = Program::read(&own).unwrap();
        assert_eq!(program, Program::read(&own).unwrap());
        assert_ne!(program.loaded, program.digest, "this program's format is known");
    }

    #[test]
    fn what_is_never_loaded_makes_no_difference_and_what_is_does() {
        let own = std::env::current_exe().unwrap();
        let bytes = std::fs::read(&own).unwrap();
        let changed = |name: &str| {
            let file = object::File::parse(&*bytes).unwrap();
            let (offset, size) = file.section_by_name(name).unwrap().file_range().unwrap();
            let mut changed = bytes.clone();
            let middle = usize::try_from(offset + size / 2).unwrap();
            changed[middle] ^= 1;
            loaded_sections(&changed)
        };
        let loaded = loaded_sections(&bytes);
        assert_ne!(changed(".text"), loaded);
        assert_ne!(changed(".rodata"), loaded);
        assert_eq!(changed(".debug_info"), loaded);
        assert_eq!(changed(".note.gnu.build-id"), loaded);
    }

    #[test]
    fn a_script_is_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let program = Program::read(&path).unwrap();
        assert_eq!(program.loaded, program.digest);
    }
}
