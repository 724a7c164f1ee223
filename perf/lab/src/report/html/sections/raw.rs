//! Links to the files that the page was made from.

use maud::{Markup, html};

use super::{ShownRun, worded};
use crate::report::format::link;
use crate::run::journal;

const FILES: [(&str, &str); 3] = [
    (journal::FILE_NAME, "every block as it was measured; `cargo lab report` makes this page from it"),
    ("sweep.csv", "every benchmark, a row each"),
    ("summary.md", "this page in short, as text"),
];

/// Links to those files that exist.
pub(in crate::report::html) fn body(side: &ShownRun<'_>) -> Markup {
    let directory = &side.data.run.directory;
    html! {
        ul {
            @for (name, holds) in FILES {
                @if directory.join(name).exists() {
                    li { a href=(link(side.directory, &directory.join(name))) { (name) } ": " (worded(holds)) }
                }
            }
        }
    }
}
