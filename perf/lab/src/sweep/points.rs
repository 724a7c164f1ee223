//! A probe whose cases are the points of a sweep: `perf-lab probe --variant NAME --points FILE`, and `--floor`.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fairbench::compare::runner::CaseInfo;
use fairbench::files::read_json;
use fairbench_probe::clock::Clock;
use fairbench_probe::protocol::Case;
use fairbench_probe::serve::{Job, Suite};
use ron_auth_catalogue::Variant;
use ron_auth_fixtures::Corpus;
use tempfile::NamedTempFile;

use crate::catalogue::workload::{Workload, first_difference_of, tokens_per_pass};
use crate::corpus::Source;
use crate::floor::Floor;
use crate::run::Point;

/// The code that works on the points.
#[derive(Clone, Copy, Debug)]
pub enum Worker {
    /// A variant of the verifier.
    Variant(Variant),
    /// The floor of the points' work.
    Floor,
}

/// The points as a suite of cases, each named by [`case`].
pub struct PointSuite {
    worker: Worker,
    points: Vec<(Point, Source)>,
    /// The tokens of each source that was asked for, as many as any of its points needs. A pass on fewer takes the
    /// first ones.
    corpora: std::cell::RefCell<Vec<(Source, Arc<Corpus>)>>,
}

/// A point as a case of the probe.
#[must_use]
pub fn case(point: &Point) -> CaseInfo {
    CaseInfo {
        name: point.to_string(),
        threads: point.knobs.threads,
        items_per_iteration: tokens_per_pass(point.batch) as u64,
    }
}

/// A file with points for [`PointSuite::read`], which is removed when it is dropped.
///
/// # Errors
/// The file cannot be written.
pub fn file_of(points: &[&Point]) -> anyhow::Result<NamedTempFile> {
    let mut file = NamedTempFile::new().context("could not make a temporary file")?;
    file.write_all(&serde_json::to_vec(points)?).context("could not write a temporary file")?;
    Ok(file)
}

impl PointSuite {
    /// Makes a suite of these points.
    ///
    /// # Errors
    /// A corpus is not known or cannot be read.
    pub fn new(worker: Worker, points: Vec<Point>) -> anyhow::Result<Self> {
        let resolved = |point: Point| -> anyhow::Result<_> {
            let source = point.corpus.parse()?;
            Ok((point, source))
        };
        let points = points.into_iter().map(resolved).collect::<Result<_, _>>()?;
        Ok(Self { worker, points, corpora: std::cell::RefCell::default() })
    }

    /// Makes a suite of the points in a file, which is a JSON list.
    ///
    /// # Errors
    /// The file cannot be read, or an error of [`new`](Self::new).
    pub fn read(worker: Worker, path: &Path) -> anyhow::Result<Self> {
        Self::new(worker, read_json(path, "a JSON list of points")?)
    }

    fn corpus(&self, wanted: &Source, tokens: usize) -> Arc<Corpus> {
        let mut corpora = self.corpora.borrow_mut();
        let known = corpora.iter().find(|(source, _)| source == wanted).map(|(_, corpus)| corpus.clone());
        let whole = known.unwrap_or_else(|| {
            let same = self.points.iter().filter(|(_, source)| source == wanted);
            let most = same.map(|(point, _)| tokens_per_pass(point.batch)).max().unwrap_or(tokens);
            let corpus = Arc::new(wanted.corpus(most));
            corpora.push((wanted.clone(), corpus.clone()));
            corpus
        });
        if whole.tokens.len() == tokens {
            return whole;
        }
        let mut part = Corpus::clone(&whole);
        part.tokens.truncate(tokens);
        part.intended.truncate(tokens);
        Arc::new(part)
    }
}

impl Suite for PointSuite {
    fn cases(&self, _: usize) -> Vec<Case> {
        let described = |point: &Point| {
            let CaseInfo { name, threads, items_per_iteration } = case(point);
            Case::on_threads(threads, name, items_per_iteration, "token")
        };
        self.points.iter().map(|(point, _)| described(point)).collect()
    }

    fn prepare(&self, name: &str, _: usize) -> Option<Box<dyn Job>> {
        let (point, source) = self.points.iter().find(|(point, _)| point.to_string() == name)?;
        let corpus = self.corpus(source, tokens_per_pass(point.batch));
        let clock = Clock::for_threads(point.knobs.threads);
        Some(match &self.worker {
            Worker::Variant(variant) => {
                let workload = Workload::new(variant, corpus.clone(), point.batch, point.knobs);
                Box::new(OnWorkload { variant: *variant, workload, corpus, clock })
            }
            Worker::Floor => Box::new(OnFloor { floor: Floor::new(corpus, point.batch), clock }),
        })
    }
}

struct OnWorkload {
    variant: Variant,
    workload: Workload,
    corpus: Arc<Corpus>,
    clock: Clock,
}

impl Job for OnWorkload {
    fn check(&mut self) -> Result<u64, String> {
        let results = self.workload.results();
        match first_difference_of(&self.variant, &self.corpus.intended, &results) {
            None => Ok(results.len() as u64),
            Some(difference) => {
                let (token, expected, got) = (difference.token, difference.expected, difference.got);
                Err(format!("token {token}: expected {expected}, got {got}"))
            }
        }
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let passes = (iterations as f64 * work_factor).round() as u64;
        self.clock.time(|| (0..passes).for_each(|_| self.workload.pass()))
    }
}

struct OnFloor {
    floor: Floor,
    clock: Clock,
}

impl Job for OnFloor {
    fn check(&mut self) -> Result<u64, String> {
        self.floor.check()
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let passes = (iterations as f64 * work_factor).round() as u64;
        self.clock.time(|| (0..passes).for_each(|_| self.floor.pass()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Knobs;

    fn point(corpus: &str, batch: usize) -> Point {
        Point { corpus: corpus.to_owned(), batch, knobs: Knobs::defaults(1) }
    }

    fn suite(variant: &str) -> PointSuite {
        let points = vec![point("light", 1), point("light", 1024), point("mixed", 64)];
        PointSuite::new(Worker::Variant(ron_auth_catalogue::find(variant).unwrap()), points).unwrap()
    }

    #[test]
    fn every_point_is_a_case_that_is_checked_and_can_be_run() {
        for variant in ["plain", "classic", "+lanes", "prod"] {
            let suite = suite(variant);
            let cases = suite.cases(1);
            assert_eq!(cases.iter().map(|case| case.items_per_iteration).collect::<Vec<_>>(), [256, 1024, 256]);
            for case in cases {
                let mut job = suite.prepare(&case.name, 1).unwrap();
                assert_eq!(job.check(), Ok(case.items_per_iteration), "{}", case.name);
                assert!(job.run(1, 1.0).unwrap() > Duration::ZERO);
            }
            assert!(suite.prepare("light, batch 2, 1 thread", 1).is_none());
        }
    }

    #[test]
    fn a_smaller_pass_takes_the_beginning_of_the_larger_one() {
        let suite = suite("plain");
        let source: Source = "light".parse().unwrap();
        let (few, many) = (suite.corpus(&source, 256), suite.corpus(&source, 1024));
        assert_eq!(few.tokens, many.tokens[..256]);
        assert_eq!(few.intended, many.intended[..256]);
    }

    #[test]
    fn an_unknown_corpus_is_named() {
        let error = PointSuite::new(Worker::Floor, vec![point("lite", 1)]).err().unwrap();
        assert!(error.to_string().contains("lite"), "{error}");
    }
}
