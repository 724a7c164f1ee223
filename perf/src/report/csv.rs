//! `sweep.csv`: written row by row, so that an interruption loses nothing. Schema: `reports/README.md`.

use std::fs::File;
use std::path::Path;

use anyhow::Context;

use crate::sweep::row::Row;

/// The file, open.
pub struct CsvFile {
    writer: ::csv::Writer<File>,
}

impl CsvFile {
    /// Creates the file; the header is written with the first row.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let writer = ::csv::Writer::from_path(path).with_context(|| format!("could not create {}", path.display()))?;
        Ok(Self { writer })
    }

    /// Writes rows and hands them to the system.
    ///
    /// # Errors
    /// The disk is full, or gone.
    pub fn write(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        for row in rows {
            self.writer.serialize(row).context("could not write sweep.csv")?;
        }
        self.writer.flush().context("could not write sweep.csv")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::test_data::rows;

    const README: &str = include_str!("../../../reports/README.md");

    #[test]
    fn rows_are_read_back_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.csv");
        CsvFile::create(&path).unwrap().write(&rows()).unwrap();
        let read: Vec<Row> = ::csv::Reader::from_path(&path).unwrap().deserialize().collect::<Result<_, _>>().unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", rows()));
    }

    #[test]
    fn every_column_is_documented_and_every_documented_column_exists() {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.serialize(&rows()[0]).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let columns: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let documented: Vec<&str> = README
            .lines()
            .skip_while(|line| !line.starts_with("## Columns"))
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
            .collect();
        assert_eq!(columns, documented);
    }
}
