//! The report of a stored run: made by the command, checked as text, then laid out by a real browser.
//!
//! `data/run` is a made-up run. To make it anew after a change of the format:
//! `LOOK_AT=DIRECTORY cargo test -p perf-lab --lib looked_at -- --ignored`, and copy what is in `DIRECTORY/one`.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{code, err, out};

const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/run");
const CHECK: &str = include_str!("data/check_page.js");
/// Pictures of the stored run's plots.
const PLOTS: usize = 10;

fn lab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perf-lab")).args(args).output().unwrap()
}

/// The page of one run or more, as the command writes it.
fn page(runs: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("page.html");
    let mut args = vec!["report", "--out", file.to_str().unwrap()];
    args.extend(runs);
    let output = lab(&args);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(out(&output).trim(), file.to_str().unwrap());
    fs::read_to_string(&file).unwrap()
}

#[test]
fn a_run_gives_a_page_beside_its_data_or_where_it_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    for file in fs::read_dir(RUN).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), directory.path().join(file.file_name())).unwrap();
    }
    let output = lab(&["report", directory.path().join("run.jsonl").to_str().unwrap()]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let beside = fs::read_to_string(directory.path().join("report.html")).unwrap();
    assert!(beside.contains("href=\"run.jsonl\""));
    assert!(page(&[RUN]).contains("tests/data/run/run.jsonl\""));
}

#[test]
fn stacks_that_cannot_be_drawn_are_named_and_the_rest_of_the_page_stands() {
    let directory = tempfile::tempdir().unwrap();
    for file in fs::read_dir(RUN).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), directory.path().join(file.file_name())).unwrap();
    }
    fs::write(directory.path().join("prod-light-1.folded"), "no stacks\n").unwrap();
    let page = page(&[directory.path().to_str().unwrap()]);
    assert!(
        page.contains("No flamegraph of prod on light, batch 1, 1 thread, soa_threshold 32: prod-light-1.folded: ")
    );
    assert!(page.contains(
        "against plain on light, batch 1, 1 thread, soa_threshold 32: plain-light-1.folded and prod-light-1.folded: "
    ));
    assert_eq!(page.matches("<figure class=\"flamegraph\"").count(), 1, "plain's");
}

#[test]
fn one_run_or_two_and_only_runs() {
    assert_eq!(code(&lab(&["report"])), 64);
    assert_eq!(code(&lab(&["report", RUN, RUN, RUN])), 64);
    let missing = lab(&["report", "no/such/run"]);
    assert_eq!((code(&missing), err(&missing).lines().count()), (3, 1), "{}", err(&missing));
}

#[test]
fn the_page_has_its_parts_in_order() {
    let page = page(&[RUN]);
    let parts = ["<!DOCTYPE html>", "lang=\"en\"", "name=\"viewport\"", "<h1", "class=\"verdict\"", "<nav", "<main"];
    let sections = ["What to run", "Time per token", "Cost against the floor", "Numbers", "Raw data", "Host", "Method"];
    let headings = sections.map(|title| format!("-title\">{title}</h2>"));
    let pieces = parts.into_iter().chain(headings.iter().map(String::as_str));
    let places: Vec<usize> = pieces.map(|piece| page.find(piece).unwrap_or_else(|| panic!("no {piece}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(page.matches("<figure>").count() >= PLOTS);
}

#[test]
fn the_answer_is_a_line_a_table_and_one_picture_and_comes_before_all_else() {
    let page = page(&[RUN]);
    let (first, rest) = page.split_once("<nav").unwrap();
    assert_eq!(first.matches("<table").count(), 1);
    assert_eq!(first.matches("<figure>").count(), 1);
    assert!(first.contains("class=\"verdict\">On this host run <code>"), "{first}");
    for head in ["workload", "tokens/s per core", "× classic", "× plain", "margin over the next (95 %)"] {
        assert!(first.contains(&format!("\">{head}</th>")), "{head}: {first}");
    }
    for workload in ["light 1", "light 64"] {
        assert!(
            first.contains(&format!("<th scope=\"row\"><span class=\"workload\">{workload}</span></th>")),
            "{workload}: {first}"
        );
    }
    // What the table says is not said again for each workload but where it is unfolded.
    let run = rest.split_once("<section id=\"run\"").unwrap().1.split_once("</section>").unwrap().0;
    let unfolded: String = run.split("<details>").next().unwrap().to_owned();
    assert!(!unfolded.contains("next best that is measurably slower"), "{unfolded}");
    let advices: Vec<&str> =
        run.split("class=\"headline\">").skip(1).filter_map(|rest| rest.split("</p>").next()).collect();
    assert_eq!(advices.len(), 2);
    assert_ne!(advices[0], advices[1]);
    assert_eq!(run.matches("ron-auth = {").count(), 1, "one composition, one line to copy");
}

#[test]
fn a_browser_lays_the_page_out_without_errors_wide_and_narrow() {
    let Some(browser) = browser() else {
        assert!(std::env::var_os("PERF_LAB_REQUIRE_CHROMIUM").is_none(), "no Chromium; CHROMIUM names one");
        println!("skipped: no Chromium");
        return;
    };
    for (page, figures) in [(page(&[RUN]), PLOTS), (page(&[RUN, RUN]), 2 * PLOTS)] {
        let (findings, console) = laid_out(&browser, &page);
        assert!(console.is_empty(), "{console:#?}");
        for finding in &findings {
            assert!(finding.starts_with("looked at "), "{findings:#?}");
            let seen: usize = finding.split(' ').nth(2).unwrap().parse().unwrap();
            assert!(seen >= figures, "{finding}");
        }
        assert_eq!(findings.len(), SIZES_PX.len(), "{findings:#?}");
    }
    let answers = [
        (
            "as many workloads as of a quick sweep",
            vec![["mixed 256, 2 threads", "+12.7 % (11.4–14.3)", "without lanes"]; 9],
        ),
        (
            "workloads of scattered tokens",
            vec![["scattered-heavy 1024, 16 threads", "+7.5 % (6.7–7.9)", "without lanes"]; 2],
        ),
        (
            "a corpus with a long name",
            vec![["a/file/that_has_a_name_which_does_not_end_anywhere_soon 64", "+1.5 % (1.1–1.9)", "without lanes"]],
        ),
        (
            "a wide margin over one that differs in much",
            vec![[
                "light 1",
                "+118.9 % (115.4–121.7)",
                "without simd-b64 and minicbor-zerocopy, with parallel and tls-scratch",
            ]],
        ),
    ];
    let own = page(&[RUN]);
    for (what, rows) in answers {
        let (findings, _) = laid_out(&browser, &answering(&own, &rows));
        let wrong: Vec<&String> = findings.iter().filter(|finding| !finding.starts_with("looked at ")).collect();
        assert!(wrong.is_empty() && findings.len() == SIZES_PX.len(), "{what}: {findings:#?}");
    }
    // The same check notices what is wrong.
    let broken = own
        .replacen(
            "<main>",
            "<main><p style=\"width:3000px\">wide</p><h4>deep</h4><script>console.error(\"no\")</script>",
            1,
        )
        .replacen("<svg role=\"img\"", "<svg role=\"none\"", 1)
        .replacen("<p class=\"verdict\">", "<p class=\"verdict\" style=\"margin-top:900px\">", 1)
        .replacen("<th class=\"number\" scope=\"col\">× classic", "<th class=\"number\" hidden>× classic", 1)
        .replacen("class=\"margin\"", "class=\"margin\" style=\"min-width:700px\"", 1)
        .replacen("--vermilion:", "--other:", 2);
    let (findings, console) = laid_out(&browser, &broken);
    for wrong in [
        "scrolls sideways",
        "wider than the page: P",
        "skips a level",
        "without a named picture",
        "no colour",
        "first screen",
        "the answer's table: left out: TH.number × classic",
        "the answer's table: cut: TD",
        "the answer's table: scrolls sideways: DIV.room",
    ] {
        assert!(findings.iter().any(|finding| finding.contains(wrong)), "{wrong}: {findings:#?}");
    }
    assert!(!console.is_empty());
}

#[test]
fn the_sample_links_to_nothing_but_what_is_kept_beside_it() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/sample");
    let page = fs::read_to_string(sample.join("report.html")).unwrap();
    let links = page.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let gone: Vec<&str> =
        links.filter(|link| !link.starts_with('#') && *link != "data:," && !sample.join(link).exists()).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

/// The page with other rows in the table of its answer: workload, margin over the next, what that does without.
fn answering(page: &str, rows: &[[&str; 3]]) -> String {
    let (before, rest) = page.split_once("<tr><th scope=\"row\">").unwrap();
    let (own, after) = rest.split_once("</tbody>").unwrap();
    let row = own.split("</tr>").next().unwrap();
    let put = |row: &str, class: &str, text: &str| {
        let (before, rest) = row.split_once(&format!("class=\"{class}\">")).unwrap();
        format!("{before}class=\"{class}\">{text}</span>{}", rest.split_once("</span>").unwrap().1)
    };
    let drawn = rows.iter().map(|[workload, margin, next]| {
        let row = put(&put(&put(row, "workload", workload), "margin", margin), "soft", next);
        format!("<tr><th scope=\"row\">{row}</tr>")
    });
    format!("{before}{}</tbody>{after}", drawn.collect::<String>())
}

/// Two phones, a small screen, and a screen.
const SIZES_PX: [(u32, u32); 4] = [(360, 800), (390, 844), (1024, 768), (1200, 900)];

/// What the check says of the page at each width, and what the browser's console says.
fn laid_out(browser: &Path, page: &str) -> (Vec<String>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let frames: String = SIZES_PX
        .iter()
        .map(|(width, height)| {
            format!("<iframe src=\"page.html\" style=\"width:{width}px;height:{height}px;border:0\"></iframe>")
        })
        .collect();
    // Pages of files may not look into each other; they may tell each other.
    let around = format!(
        "<!DOCTYPE html><link rel=\"icon\" href=\"data:,\"><ul id=\"said\"></ul><script>onmessage = (event) =>
         event.data.forEach((finding) => {{ const item = document.createElement('li'); item.textContent = finding;
         said.append(item); }});</script>{frames}"
    );
    fs::write(directory.path().join("around.html"), around).unwrap();
    let page = page.replace("</body>", &format!("<script>{CHECK}</script></body>"));
    fs::write(directory.path().join("page.html"), page).unwrap();
    let output = Command::new(browser)
        .args([
            "--headless=new",
            "--hide-scrollbars",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=10000",
            "--dump-dom",
        ])
        .args(["--enable-logging=stderr", "--v=0", "--window-size=1300,900"])
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .arg(format!("file://{}", directory.path().join("around.html").display()))
        .output()
        .unwrap();
    let dom = out(&output);
    let said = dom.split("<li>").skip(1).filter_map(|rest| rest.split("</li>").next());
    let console = err(&output).lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (said.map(str::to_owned).collect(), console)
}

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let paths = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&paths).flat_map(|path| names.map(|name| path.join(name))).find(|path| path.is_file())
}
