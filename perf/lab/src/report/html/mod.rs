//! `report.html`: one file that says what there is to know about a run, or about two side by side. It loads nothing and
//! runs nothing: it can be mailed, published, printed, and read in ten years.
//!
//! | folder or file | holds |
//! |---|---|
//! | [`Page`], [`Input`] | what it is made from |
//! | `sections` | the page from top to bottom, a file each |
//! | `style.css` | light, dark, narrow, and on paper |

mod sections;

use std::path::{Path, PathBuf};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sections::HtmlSection;

use crate::recommend::{Advice, NoAdvice, Question, advise};
use crate::report::answer::Answer;
use crate::report::data::Data;
use crate::run::Run;
use crate::run::effects::{Effects, effects};
use crate::sweep::stored::CellChange;
use crate::tripwire::JudgedTripwire;

/// Name of the file in a run's directory.
pub const FILE_NAME: &str = "report.html";

const STYLE: &str = include_str!("style.css");

/// What a report says about one run.
pub struct Input<'a> {
    /// The run with its raw data.
    pub run: &'a Run,
    /// The answer, as terminal, summary and first screen show it.
    pub answer: Answer,
    /// The advice for each workload, or why there is none.
    pub advices: Vec<Result<Advice, NoAdvice>>,
    /// What the seams are worth at each point.
    pub effects: Vec<Effects>,
    /// The tripwires, as they were judged.
    pub tripwires: Vec<JudgedTripwire>,
    /// The changes against the baseline, or why there are none.
    pub baseline: Result<Vec<CellChange>, String>,
    /// When and at which revision the baseline was stored; `None` if there is none.
    pub baseline_of: Option<String>,
}

impl<'a> Input<'a> {
    /// Makes the input for a run, its tripwires and its baseline.
    #[must_use]
    pub fn of(run: &'a Run, tripwires: Vec<JudgedTripwire>, baseline: Result<Vec<CellChange>, String>) -> Self {
        let data = Data::of(run);
        let question =
            |corpus: &str, batch| Question { corpus: corpus.to_owned(), batch, cores: run.header.host.cores };
        let questions = data
            .corpora()
            .into_iter()
            .flat_map(|corpus| data.composed_batches(corpus).into_iter().map(move |batch| question(corpus, batch)));
        let advices: Vec<_> = questions.map(|question| advise(run, &question)).collect();
        Self {
            run,
            answer: Answer::of(run, &data, &advices, &tripwires, &baseline),
            advices,
            effects: effects(run),
            tripwires,
            baseline,
            baseline_of: None,
        }
    }
}

/// A report that is to be written.
pub struct Page<'a> {
    /// The run that it is about.
    pub first: Input<'a>,
    /// The run that is shown beside it; `None` if there is only one.
    pub second: Option<Input<'a>>,
    /// Directory in which the file will be: links to raw data are relative to it.
    pub directory: PathBuf,
}

impl Page<'_> {
    /// Renders the whole file.
    ///
    /// # Errors
    /// A plot cannot be drawn.
    pub fn render(&self) -> anyhow::Result<String> {
        let sides: Vec<ShownRun<'_>> = std::iter::once(&self.first)
            .chain(&self.second)
            .map(|input| ShownRun::of(input, &self.directory))
            .collect();
        let sections = sections::all(&sides)?;
        let title = sides.iter().map(ShownRun::name).collect::<Vec<_>>().join(" beside ");
        let answers = sections::head::answers(&sides)?;
        Ok(document(&title, &sides, &answers, &sections).into_string())
    }
}

/// A run with what is needed to show it.
struct ShownRun<'a> {
    input: &'a Input<'a>,
    data: Data<'a>,
    directory: &'a Path,
}

impl<'a> ShownRun<'a> {
    fn of(input: &'a Input<'a>, directory: &'a Path) -> Self {
        Self { input, data: Data::of(input.run), directory }
    }

    /// The name of the run on the page: its plan and when it began.
    fn name(&self) -> String {
        let header = &self.data.run.header;
        format!("{} of {}", header.plan, header.started_utc.replace('T', " ").replace('Z', " UTC"))
    }
}

fn document(title: &str, sides: &[ShownRun<'_>], answers: &Markup, sections: &[HtmlSection]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "perf-lab " (env!("CARGO_PKG_VERSION")) };
                title { "ron-auth sweep: " (title) }
                // Without it a browser asks the server for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { @if sides.len() == 1 { "ron-auth sweep: " (title) } @else { "Two ron-auth sweeps" } }
                    (answers)
                }
                nav aria-label="Sections" {
                    ul {
                        @for section in sections { li { a href={ "#" (section.id) } { (section.title) } } }
                    }
                }
                main {
                    @for section in sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 id={ (section.id) "-title" } { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer { (sections::method::foot()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fairbench::baseline::Shift;
    use fairbench::measure::stats::PairedRatio;

    use super::*;
    use crate::run::simulated;
    use crate::sweep::stored::CellKey;
    use crate::tripwire::TripwireState;

    fn ratio(estimate: f64) -> PairedRatio {
        PairedRatio { estimate, lower: estimate * 0.98, upper: estimate * 1.02 }
    }

    /// An input in which everything is filled that a run alone leaves empty.
    pub(super) fn hand_made(run: &Run) -> Input<'_> {
        let judged = |name: &str, state| JudgedTripwire {
            name: name.to_owned(),
            limit: "at most 2 times the floor".to_owned(),
            measured: "1.80 (1.75–1.86)".to_owned(),
            state,
        };
        let change = CellChange {
            key: CellKey { variant: "prod".to_owned(), fixture: "light".to_owned(), batch_tokens: 64, threads: 1 },
            against: "floor",
            was: ratio(1.5),
            is: ratio(1.7),
            shift: Shift::Slower,
        };
        Input {
            tripwires: vec![
                judged("prod-near-floor", TripwireState::Holds),
                judged("laptop", TripwireState::Elsewhere),
            ],
            baseline: Ok(vec![change]),
            ..Input::of(run, Vec::new(), Ok(Vec::new()))
        }
    }

    fn page(runs: &[Run]) -> String {
        let directory = runs[0].directory.clone();
        Page { first: hand_made(&runs[0]), second: runs.get(1).map(hand_made), directory }.render().unwrap()
    }

    fn places(page: &str, pieces: &[&str]) -> Vec<usize> {
        pieces.iter().map(|piece| page.find(piece).unwrap_or_else(|| panic!("no {piece} in {page}"))).collect()
    }

    #[test]
    fn the_verdict_comes_first_then_what_to_run_then_plots_and_method_last() {
        let page = page(&[simulated::full(12)]);
        let order = [
            "run",
            "time",
            "speed-up",
            "seams",
            "thresholds",
            "stages",
            "floor",
            "flamegraphs",
            "numbers",
            "trust",
            "data",
            "host",
            "method",
        ];
        let sections: Vec<String> = order.iter().map(|id| format!("<section id=\"{id}\"")).collect();
        let mut pieces = vec!["<p class=\"verdict\">"];
        pieces.extend(sections.iter().map(String::as_str));
        assert!(places(&page, &pieces).is_sorted());
        for id in order {
            assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
        }
        assert_eq!(page.matches("<h1").count(), 1);
    }

    #[test]
    fn the_page_stands_alone_and_every_picture_has_a_name() {
        let page = page(&[simulated::full(12)]);
        for outside in ["<script", "http-equiv", "src=", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        // Names of XML, not addresses that anything is loaded from.
        let loaded = page.replace("http://www.w3.org/", "");
        assert!(!loaded.contains("http://") && !loaded.contains("https://"));
        let (pictures, named) = (page.matches("<svg").count(), page.matches("<svg role=\"img\" aria-label=\"").count());
        assert!(pictures >= 9 && pictures == named, "{pictures} {named}");
    }

    #[test]
    fn rankings_relate_to_classic_first_where_it_was_measured_and_to_plain() {
        let heads = |run: Run| {
            let page = page(&[run]);
            let advices = page.split_once("<section id=\"run\"").unwrap().1.split_once("</section>").unwrap().0;
            assert!(!advices.contains("n/a"), "{advices}");
            let heads = advices.split("<th scope=\"col\"").skip(1);
            let texts = heads.filter_map(|head| Some(head.split_once('>')?.1.split_once("</th>")?.0.to_owned()));
            texts.collect::<Vec<String>>()
        };
        let (fastest, classic, plain) = ("time / fastest (95 %)", "time / classic (95 %)", "time / plain (95 %)");
        let with = ["composition", "", fastest, classic, plain, "ns/token"];
        assert_eq!(heads(simulated::full(12)), [with; 2].concat());
        let mut before = simulated::full(12);
        for group in before.header.panels.iter_mut().flat_map(|panel| &mut panel.groups) {
            group.arms.pop();
        }
        let without = ["composition", "", fastest, plain, "ns/token"];
        assert_eq!(heads(before), [without; 2].concat());
    }

    #[test]
    fn two_runs_stand_side_by_side_with_their_ratios() {
        let mut second = simulated::full(12);
        second.header.host.cpu = "Other CPU".to_owned();
        second.header.started_utc = "2026-11-23T10:00:00Z".to_owned();
        let (alone, beside) = (page(&[simulated::full(12)]), page(&[simulated::full(12), second]));
        assert!(beside.contains("<section id=\"ratios\"") && beside.contains("nanoseconds may not"), "{beside}");
        assert!(beside.contains("full of 2026-11-22 10:00:00 UTC beside full of 2026-11-23"));
        assert_eq!(beside.matches("<figure>").count(), 2 * alone.matches("<figure>").count());
    }

    #[test]
    fn what_was_not_measured_is_said_where_it_would_stand() {
        let run = Run::new(simulated::full(1).header, PathBuf::new());
        let page = Page { first: Input::of(&run, Vec::new(), Ok(Vec::new())), second: None, directory: PathBuf::new() }
            .render()
            .unwrap();
        for why in [
            "No advice",
            "No plot: it takes a run with profiles",
            "No flamegraphs",
            "fewer than six blocks",
            "No control",
        ] {
            assert!(page.contains(why), "{why}");
        }
        assert!(page.contains("PARTIAL") && !page.contains("<figure"));
    }

    #[test]
    fn a_control_that_is_off_is_a_warning_under_the_verdict() {
        let run = simulated::run(&simulated::Truth { control_off: 0.1, ..simulated::Truth::default() }, 12);
        let page = page(&[run]);
        let pieces = ["class=\"verdict\"", "class=\"warning", "Plain differed from itself", "light, batch 1", "<nav"];
        assert!(places(&page, &pieces).is_sorted());
    }

    #[test]
    fn names_from_outside_cannot_become_markup() {
        let mut run = simulated::full(12);
        run.header.host.cpu = "<script>alert(1)</script>".to_owned();
        run.notes.push("<b>bold</b>".to_owned());
        for panel in &mut run.header.panels {
            for arm in panel.groups.iter_mut().flat_map(|group| &mut group.arms) {
                arm.point.corpus = "\"><script>".to_owned();
            }
        }
        let page = page(&[run]);
        assert!(!page.contains("<script") && !page.contains("<b>"));
    }

    /// A run of nine workloads, like that of a quick sweep on two cores.
    fn quick() -> Run {
        let workloads = [(1, 1), (64, 1), (256, 1), (256, 2)];
        let on = |corpus: &'static str| workloads.map(|(batch, threads)| simulated::point(corpus, batch, threads));
        let points = ["light", "heavy", "mixed"].map(on).concat();
        let truth = simulated::Truth { tls_scratch: 0.92, lanes_with_parallel: 1.0, ..simulated::Truth::default() };
        let mut run = crate::recommend::tests::run_at(&points, &truth, 12);
        run.header.host.build = "release".to_owned();
        run.header.host.cores = 2;
        run.elapsed_s = Some(270.0);
        run
    }

    #[test]
    fn nine_workloads_are_nine_rows_under_their_compositions_and_one_picture() {
        let page = page(&[quick()]);
        let (first, _) = page.split_once("<nav").unwrap();
        assert_eq!(first.matches("<th scope=\"row\">").count(), 9);
        assert_eq!((first.matches("<table").count(), first.matches("<svg").count()), (1, 1));
        let compositions = first.matches("scope=\"rowgroup\"").count();
        assert!((1..=2).contains(&compositions), "{compositions}");
        assert_eq!(page.matches("ron-auth = {").count(), compositions);
    }

    /// Writes pages to be looked at: `cargo test -p perf-lab --lib looked_at -- --ignored`, with `LOOK_AT` as their
    /// directory.
    #[test]
    #[ignore = "writes pages to look at"]
    fn pages_to_be_looked_at() {
        let root = PathBuf::from(std::env::var("LOOK_AT").unwrap());
        let (one, two) = (simulated::full_in(&root.join("one"), 12), simulated::full_in(&root.join("two"), 12));
        std::fs::write(root.join("one/report.html"), page(std::slice::from_ref(&one))).unwrap();
        let quick = quick();
        std::fs::write(root.join("quick.html"), page(std::slice::from_ref(&quick))).unwrap();
        std::fs::write(root.join("two/report.html"), page(&[two, one])).unwrap();
    }
}
