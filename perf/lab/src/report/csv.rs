//! `sweep.csv`: written row by row, so that an interruption loses nothing. Schema: `reports/README.md`.

use std::fs::File;
use std::path::Path;

use anyhow::Context;

use crate::run::record::Header;
use crate::run::{Point, Purpose};
use crate::sweep::row::CsvRow;

/// Number of columns.
const COLUMNS: usize = 31;

/// The file while it is being written.
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
    pub fn write(&mut self, rows: &[CsvRow]) -> anyhow::Result<()> {
        for row in rows {
            self.writer.serialize(row).context("could not write sweep.csv")?;
        }
        self.writer.flush().context("could not write sweep.csv")
    }

    /// Writes a row for each point of what could not be measured, with all of its numbers empty. To be called after
    /// [`write`](Self::write): the header comes with measured rows.
    ///
    /// # Errors
    /// The disk is full, or gone.
    pub fn write_unavailable(&mut self, header: &Header) -> anyhow::Result<()> {
        for left_out in &header.unavailable {
            for Point { corpus, batch, knobs } in &left_out.points {
                let is_at_default = *knobs == header.default_knobs(knobs.threads);
                let purpose = if is_at_default { Purpose::Variants } else { Purpose::Knobs };
                let [batch, soa, par, threads] =
                    [*batch, knobs.soa_threshold, knobs.par_min_batch, knobs.threads].map(|number| number.to_string());
                let known = ["", purpose.name(), "variant", &left_out.variant, corpus, &batch, &soa, &par, &threads];
                let unknown = std::iter::repeat_n("", COLUMNS - known.len() - 1);
                let record = known.into_iter().chain(unknown).chain([left_out.reason.as_str()]);
                self.writer.write_record(record).context("could not write sweep.csv")?;
            }
        }
        self.writer.flush().context("could not write sweep.csv")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Unavailable;
    use crate::test_data::rows;

    const README: &str = include_str!("../../../../reports/README.md");

    #[test]
    fn rows_are_read_back_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.csv");
        CsvFile::create(&path).unwrap().write(&rows()).unwrap();
        let read: Vec<CsvRow> =
            ::csv::Reader::from_path(&path).unwrap().deserialize().collect::<Result<_, _>>().unwrap();
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
        assert_eq!(columns.len(), COLUMNS);
    }

    #[test]
    fn what_could_not_be_measured_has_rows_with_its_reason_and_no_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.csv");
        let points = vec![crate::run::simulated::point("light", 64, 1)];
        let left_out = Unavailable { variant: "prod-avx2".into(), reason: "built so, and so".into(), points };
        let mut file = CsvFile::create(&path).unwrap();
        file.write(&rows()).unwrap();
        let mut header = crate::run::simulated::full(0).header;
        header.unavailable = vec![left_out];
        file.write_unavailable(&header).unwrap();
        let mut reader = ::csv::Reader::from_path(&path).unwrap();
        let heads = reader.headers().unwrap().clone();
        let last = reader.records().last().unwrap().unwrap();
        let value = |name: &str| last.get(heads.iter().position(|head| head == name).unwrap()).unwrap();
        assert_eq!(["variant", "batch_tokens", "threads"].map(value), ["prod-avx2", "64", "1"]);
        assert_eq!(["time_median_ns_per_token", "ratio_to_plain", "jemalloc_resident_bytes"].map(value), ["", "", ""]);
        assert_eq!(value("unavailable"), "built so, and so");
    }
}
