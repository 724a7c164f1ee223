//! Flamegraphs, and how they differ from that of `plain`.

use anyhow::Context;
use fairbench::files::read_text;
use maud::{Markup, PreEscaped, html};

use super::{ShownRun, details, missing};
use crate::catalogue::REFERENCE;
use crate::profile::{difference, flamegraph};
use crate::report::chart::theme::described;
use crate::report::format::link;
use crate::run::record::Profile;

/// One flamegraph for each profile, and one for each difference between `plain` and another variant on the same
/// workload.
pub(in crate::report::html) fn body(side: &ShownRun<'_>) -> Markup {
    let profiles = &side.data.run.profiles;
    if profiles.is_empty() {
        return missing("No flamegraphs: no variant was profiled.");
    }
    html! {
        p.note { "The width of a frame is its share of the time. Pointing at it shows its name." }
        @for profile in profiles { (own(side, profile)) (against_plain(side, profile)) }
    }
}

fn own(side: &ShownRun<'_>, profile: &Profile) -> Markup {
    let title = format!("{} on {}", profile.variant, profile.point);
    let drawn =
        folded(side, profile).and_then(|folded| flamegraph(&folded, &title).with_context(|| profile.folded.clone()));
    figure(
        &title,
        drawn,
        &html! {
            " " (format!("{:.0} s of CPU time; ", profile.seconds))
            a href=(link(side.directory, &side.data.run.directory.join(&profile.folded))) { "folded stacks" }
        },
    )
}

fn against_plain(side: &ShownRun<'_>, profile: &Profile) -> Markup {
    let is_plain = |other: &&Profile| other.variant == REFERENCE && other.point == profile.point;
    let Some(plain) = side.data.run.profiles.iter().find(is_plain).filter(|plain| *plain != profile) else {
        return html! {};
    };
    let title = format!("{} against {REFERENCE} on {}", profile.variant, profile.point);
    let drawn = folded(side, plain).and_then(|before| {
        let after = folded(side, profile)?;
        difference(&before, &after, &title).with_context(|| format!("{} and {}", plain.folded, profile.folded))
    });
    details(&format!("Difference: {title}"), &figure(&title, drawn, &html! {}))
}

fn folded(side: &ShownRun<'_>, profile: &Profile) -> anyhow::Result<String> {
    read_text(&side.data.run.directory.join(&profile.folded), "folded stacks")
}

/// A figure, or why it could not be drawn: the rest of the report does not depend on it.
fn figure(title: &str, drawn: anyhow::Result<String>, more: &Markup) -> Markup {
    match drawn {
        Err(error) => missing(&format!("No flamegraph of {title}: {error:#}.")),
        Ok(svg) => html! {
            figure.flamegraph {
                figcaption { strong { (title) } (more) }
                div.scroll tabindex="0" role="region" aria-label=(title) { (PreEscaped(described(&svg, title))) }
            }
        },
    }
}
