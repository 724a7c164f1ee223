//! Conversion of values to pixels, and the round numbers in between.

/// The scale of an axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    is_log: bool,
    from: f64,
    to: f64,
    from_px: i32,
    to_px: i32,
}

/// Most ticks of an axis.
const MOST_TICKS: usize = 7;

impl Scale {
    /// A scale for these values, with some room around them.
    pub(super) fn around(values: impl Iterator<Item = f64>, is_log: bool, (from_px, to_px): (i32, i32)) -> Self {
        let (lowest, highest) = values
            .filter(|value| value.is_finite() && (!is_log || *value > 0.0))
            .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let (lowest, highest) = if lowest <= highest { (lowest, highest) } else { (1.0, 1.0) };
        let (from, to) = if is_log {
            // Not so tight that noise fills the page.
            let room = (highest / lowest).powf(0.05).max(1.01);
            (lowest / room, highest * room)
        } else {
            let room = ((highest - lowest) * 0.06).max(0.01);
            (lowest - room, highest + room)
        };
        Self { is_log, from, to, from_px, to_px }
    }

    /// A linear scale from one value to another.
    pub(super) const fn linear((from, to): (f64, f64), (from_px, to_px): (i32, i32)) -> Self {
        Self { is_log: false, from, to, from_px, to_px }
    }

    /// Where it begins and ends, in pixels.
    pub(super) const fn ends_px(&self) -> (i32, i32) {
        (self.from_px, self.to_px)
    }

    /// Where a value lies, in pixels; one beyond an end lies at that end.
    pub(super) fn px(&self, value: f64) -> i32 {
        let place = |value: f64| if self.is_log { value.ln() } else { value };
        let part = (place(value) - place(self.from)) / (place(self.to) - place(self.from));
        let length = f64::from(self.to_px - self.from_px);
        self.from_px + (part.clamp(0.0, 1.0) * length).round() as i32
    }

    /// Round numbers within the range, as many as there is room for.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.is_log && self.to / self.from > 4.0 { self.log_ticks() } else { self.linear_ticks() }
    }

    fn log_ticks(&self) -> Vec<f64> {
        const DIGITS: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        let ticks = |digits: &[f64]| -> Vec<f64> {
            let decades = self.from.log10().floor() as i32..=self.to.log10().ceil() as i32;
            let all = decades.flat_map(|decade| digits.iter().map(move |digit| digit * 10_f64.powi(decade)));
            all.filter(|tick| (self.from..=self.to).contains(tick)).collect()
        };
        let fits = |ticks: &Vec<f64>| ticks.len() <= MOST_TICKS;
        DIGITS.into_iter().map(ticks).find(fits).unwrap_or_else(|| ticks(&[1.0]))
    }

    fn linear_ticks(&self) -> Vec<f64> {
        let steps = (-4..9).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
        let fits = |step: &f64| (self.to - self.from) / step < MOST_TICKS as f64;
        let Some(step) = steps.into_iter().find(fits) else { return Vec::new() };
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64], is_log: bool) -> Vec<f64> {
        Scale::around(values.iter().copied(), is_log, (0, 100)).ticks()
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(&[100.0, 3000.0], true), [100.0, 200.0, 500.0, 1000.0, 2000.0]);
        assert_eq!(ticks(&[1.0, 1e6], true).len(), 7);
        assert_eq!(ticks(&[0.0, 10.0], false), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let narrow = ticks(&[0.97, 1.04], true);
        assert!(narrow.len() >= 3 && narrow.contains(&1.0), "{narrow:?}");
    }

    #[test]
    fn the_ends_and_what_lies_beyond_stay_on_the_page() {
        let scale = Scale::around([1.0, 100.0].into_iter(), true, (200, 0));
        assert_eq!(scale.px(10.0), 100);
        assert_eq!((scale.px(1e9), scale.px(1e-9)), (0, 200));
    }

    #[test]
    fn no_values_or_one_make_an_axis_nevertheless() {
        for is_log in [false, true] {
            assert_eq!(Scale::around(std::iter::empty(), is_log, (0, 100)).px(1.0), 50);
            assert!(!ticks(&[1.0], is_log).is_empty());
        }
    }
}
