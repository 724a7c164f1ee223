//! Ratios in per cent, as people write them.

use super::stats::PairedRatio;

impl PairedRatio {
    /// A ratio of times as `+12.6 % (9.9–15.5)`: so much slower, with the interval. Ends that are faster carry a sign.
    #[must_use]
    pub fn percent(&self) -> String {
        let &Self { estimate, lower, upper } = self;
        let of = |ratio: f64| 100.0 * (ratio - 1.0);
        // A hundredfold is not known to a tenth of a per cent.
        let decimals = if of(estimate).abs() < 100.0 { 1 } else { 0 };
        let signed = |value: f64| {
            let digits = format!("{:.decimals$}", value.abs());
            if value < 0.0 && digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
                format!("−{digits}")
            } else {
                digits
            }
        };
        let estimate = signed(of(estimate));
        let plus = if estimate.starts_with('−') { "" } else { "+" };
        let (lower, upper) = (signed(of(lower)), signed(of(upper)));
        // A dash and a minus side by side are read as neither.
        let to = if lower.starts_with('−') || upper.starts_with('−') { " to " } else { "–" };
        format!("{plus}{estimate} % ({lower}{to}{upper})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_in_per_cent_has_its_sign_and_its_interval() {
        for (estimate, lower, upper, said) in [
            (1.126, 1.099, 1.155, "+12.6 % (9.9–15.5)"),
            (1.002, 0.991, 1.013, "+0.2 % (−0.9 to 1.3)"),
            (0.9, 0.88, 0.92, "−10.0 % (−12.0 to −8.0)"),
            (0.9999, 0.99, 1.01, "+0.0 % (−1.0 to 1.0)"),
            (2.35, 2.301, 2.41, "+135 % (130–141)"),
        ] {
            assert_eq!(PairedRatio { estimate, lower, upper }.percent(), said);
        }
    }
}
