//! Where the time goes: its split by stage.

use plotters::style::RGBColor;

use super::Figure;
use crate::report::chart::bars::{Bar, BarChart};
use crate::report::chart::theme;
use crate::report::data::Data;
use crate::run::Point;
use crate::run::record::Profile;

/// The stages in the order of the work, with their colours.
pub(in crate::report) const STAGES: [(&str, RGBColor); 7] = [
    ("base64", theme::BLUE),
    ("decode", theme::ORANGE),
    ("key", theme::PURPLE),
    ("mac", theme::VERMILION),
    ("evaluate", theme::GREEN),
    ("results", theme::SKY),
    ("other", theme::GREY),
];

/// One figure for each workload that was profiled: a bar for each variant whose time was measured there.
pub(in crate::report) fn figures(data: &Data<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for point in points(data) {
        let profiles = data.run.profiles.iter().filter(|profile| profile.point == *point);
        let mut fewest = u64::MAX;
        let mut bars = Vec::new();
        for profile in profiles {
            let Some(time_ns) = data.time_ns(&profile.variant, point) else { continue };
            if samples(profile) == 0 {
                continue;
            }
            fewest = fewest.min(samples(profile));
            bars.push(Bar {
                label: format!("{}: {time_ns:.0} ns", profile.variant),
                lengths: STAGES.iter().map(|(stage, _)| share(profile, stage) * time_ns).collect(),
            });
        }
        if bars.is_empty() {
            continue;
        }
        let chart = BarChart {
            x_title: "ns per token".to_owned(),
            parts: STAGES.iter().map(|&(name, colour)| (name.to_owned(), colour)).collect(),
            bars,
        };
        let note = format!(
            "Share of samples × median time. A share is known to ±{:.1} points or better (95 %, {fewest} samples or \
             more).",
            half_width_percent(fewest)
        );
        let name = format!("stages-{}-b{}", point.corpus, point.batch);
        figures.push(Figure::new(&name, format!("Time by stage, {point}"), note, chart));
    }
    figures
}

/// The workloads that were profiled, in the order of the run.
pub(in crate::report) fn points<'r>(data: &Data<'r>) -> Vec<&'r Point> {
    let mut points: Vec<&Point> = Vec::new();
    for profile in &data.run.profiles {
        if !points.contains(&&profile.point) {
            points.push(&profile.point);
        }
    }
    points
}

/// Number of samples in all stages.
pub(in crate::report) fn samples(profile: &Profile) -> u64 {
    profile.stages.iter().map(|stage| stage.samples).sum()
}

/// A stage's part of all samples. Stages that are not in the list count as `other`.
pub(in crate::report) fn share(profile: &Profile, stage: &str) -> f64 {
    let is_listed = |name: &str| STAGES.iter().any(|(known, _)| *known == name);
    let of_stage =
        profile.stages.iter().filter(|own| own.stage == stage || (stage == "other" && !is_listed(&own.stage)));
    of_stage.map(|own| own.samples).sum::<u64>() as f64 / samples(profile).max(1) as f64
}

/// Half the 95 % interval of a share of one half, which is the widest, in per cent.
fn half_width_percent(samples: u64) -> f64 {
    100.0 * 1.96 * (0.25 / samples.max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated;

    #[test]
    fn shares_add_up_and_an_unknown_stage_counts_as_other() {
        let mut profile = simulated::full(6).profiles.remove(0);
        profile.stages.iter_mut().for_each(|stage| {
            if stage.stage == "results" {
                stage.stage = "elsewhere".to_owned();
            }
        });
        let sum: f64 = STAGES.iter().map(|(stage, _)| share(&profile, stage)).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        assert!(share(&profile, "other") > 0.0);
        assert!((half_width_percent(10_000) - 0.98).abs() < 0.001);
    }
}
