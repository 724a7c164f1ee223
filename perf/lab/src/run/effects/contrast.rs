//! Contrasts of the 2⁵ design.
//!
//! Write y for the log time of a composition, and s = +1 where it has a backend, −1 where it has plain's. The main
//! effect of X is the mean over the 16 settings of the other seams of y(with X) − y(without X), which is Σ s_X y / 16.
//! What X and Y do together beyond their own is the mean over the 8 settings of the others of
//! y(both) − y(X) − y(Y) + y(neither), which is Σ s_X s_Y y / 8. (Box, Hunter & Hunter, *Statistics for
//! Experimenters*, 2nd edition, 2005, chapter 5. Their interaction effect is half of that: they halve the difference
//! between the effects of X with and without Y. Here it is whole, so that
//! time of both = time of X × time of Y × interaction, in units of the time of neither.)
//!
//! Every contrast is taken within each block: what a block does to all its processes alike cancels, and blocks stay
//! the unit of the statistics. Each uses all 32 compositions, so that its noise is that of a mean of many.

use ron_auth_catalogue::Variant;

use crate::run::MeasuredArm;

/// What these backends do together beyond what fewer of them do, as a log ratio for each block. For a single backend
/// this is its main effect. `arms` must be all compositions.
pub(super) fn contrast(arms: &[(Variant, &MeasuredArm<'_>)], backends: &[&str]) -> Vec<f64> {
    let settings_of_the_others = arms.len() as f64 / f64::powf(2.0, backends.len() as f64);
    let mut sums = vec![0.0; arms.first().map_or(0, |(_, arm)| arm.blocks())];
    for (variant, arm) in arms {
        let own = variant.seams.backends();
        let sign: f64 = backends.iter().map(|backend| if own.contains(backend) { 1.0 } else { -1.0 }).product();
        for (sum, log) in sums.iter_mut().zip(&arm.log_to_plain) {
            *sum += sign * log / settings_of_the_others;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn contrasts_agree_with_the_differences_that_define_them() {
        let run = simulated::run(&Truth::default(), 6);
        let groups = run.compositions();
        let arms = groups[0].all(|_| true).unwrap();
        let log = |backends: &[&str], block: usize| {
            let mut of = arms.iter().filter(|(variant, _)| variant.seams.beyond_plain() == backends);
            of.next().unwrap().1.log_to_plain[block]
        };
        // The settings of all seams but Base64 and MAC.
        let others: Vec<Vec<&str>> = arms.iter().map(|(variant, _)| variant.seams.beyond_plain()).collect();
        let others: Vec<_> =
            others.iter().filter(|own| !own.contains(&"simd-b64") && !own.contains(&"lanes")).collect();
        assert_eq!(others.len(), 8);
        let order = ["simd-b64", "minicbor-zerocopy", "lanes", "parallel", "tls-scratch"];
        let with = |others: &[&'static str], more: &[&'static str]| -> Vec<&str> {
            order.into_iter().filter(|backend| others.contains(backend) || more.contains(backend)).collect()
        };
        for block in 0..6 {
            let y = |others: &[&'static str], more: &[&'static str]| log(&with(others, more), block);
            let (mut base64, mut both) = (0.0, 0.0);
            for own in &others {
                let [neither, x, z, xz] =
                    [y(own, &[]), y(own, &["simd-b64"]), y(own, &["lanes"]), y(own, &["simd-b64", "lanes"])];
                base64 += ((x - neither) + (xz - z)) / 16.0;
                both += (xz - x - z + neither) / 8.0;
            }
            assert!((contrast(&arms, &["simd-b64"])[block] - base64).abs() < 1e-12);
            assert!((contrast(&arms, &["simd-b64", "lanes"])[block] - both).abs() < 1e-12);
        }
    }
}
