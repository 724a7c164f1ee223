//! Which instruction set lanes use: the processor's, or a weaker one that was asked for.
//!
//! `fearless_simd::dispatch!` takes a level for "at least this", and goes up to whatever the compiler may use
//! everywhere. Here a level is exact, so that the code of each one is there and is tested under any flags. What no
//! level can do is keep the compiler from stronger instructions that it was told to use everywhere: see
//! [`SimdLevel::hindrance`].

use fearless_simd::Level;

use super::LanesMac;

/// Instruction sets that lanes are written for, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SimdLevel {
    /// No lanes: one chain is hashed after another.
    Serial,
    /// x86-64's baseline, four lanes.
    Sse2,
    /// SSE 4.2, four lanes.
    Sse42,
    /// AArch64's baseline, four lanes. Nobody has measured it.
    Neon,
    /// AVX2, eight lanes.
    Avx2,
    /// The set of Ice Lake, sixteen lanes. Earlier processors with AVX-512 count as [`Avx2`](Self::Avx2).
    Avx512,
}

impl SimdLevel {
    /// The name of the level in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Sse2 => "sse2",
            Self::Sse42 => "sse4.2",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The level of this processor.
    #[must_use]
    pub fn detected() -> Self {
        LanesMac::default().level()
    }

    /// The weakest level that holds every instruction which the compiler was told to use everywhere
    /// (`-C target-cpu`, `-C target-feature`). A build without such flags has the baseline of its architecture.
    #[must_use]
    pub const fn compiled_in() -> Self {
        // Every part of AVX-512 implies its foundation, every part of AVX2 implies AVX.
        if cfg!(all(target_arch = "x86_64", target_feature = "avx512f")) {
            Self::Avx512
        } else if cfg!(all(target_arch = "x86_64", target_feature = "avx")) {
            Self::Avx2
        } else if cfg!(all(target_arch = "x86_64", target_feature = "sse3")) {
            Self::Sse42
        } else if cfg!(target_arch = "x86_64") {
            Self::Sse2
        } else if cfg!(target_arch = "aarch64") {
            Self::Neon
        } else {
            Self::Serial
        }
    }

    /// Why lanes held to this level are not what a processor that ends at it would run; `None` if they are. Either this
    /// processor does not have the level, or the compiler was told to use stronger instructions everywhere, and does so
    /// in the code of this level as well.
    #[must_use]
    pub fn hindrance(self) -> Option<&'static str> {
        hindrance(self, LanesMac::with_max(self).level(), Self::compiled_in())
    }
}

/// `reached` is the level of an engine that is held to `wanted`.
fn hindrance(wanted: SimdLevel, reached: SimdLevel, compiled_in: SimdLevel) -> Option<&'static str> {
    if reached != wanted {
        return Some(match wanted {
            SimdLevel::Avx2 => "this processor has no AVX2",
            SimdLevel::Avx512 => "this processor has no AVX-512 of Ice Lake or later",
            _ => "this processor does not have this instruction set",
        });
    }
    // Hashing one chain after another is the same work under any flags.
    if wanted == SimdLevel::Serial || compiled_in <= wanted {
        return None;
    }
    Some(match (wanted, compiled_in) {
        (SimdLevel::Avx2, _) => {
            "built with AVX-512 everywhere, so that its AVX2 code uses AVX-512 too; build without `-C target-cpu` and \
             `-C target-feature`"
        }
        _ => {
            "built with stronger instructions everywhere, so that its code uses them too; build without `-C target-cpu` \
             and `-C target-feature`"
        }
    })
}

/// Runs an expression at exactly this level, with its instructions enabled.
macro_rules! at_level {
    ($level:expr, $simd:ident => $work:expr) => {
        match $level {
            #[cfg(target_arch = "x86_64")]
            fearless_simd::Level::Avx512($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $work,
            ),
            #[cfg(target_arch = "x86_64")]
            fearless_simd::Level::Avx2($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $work,
            ),
            #[cfg(target_arch = "x86_64")]
            fearless_simd::Level::Sse4_2($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $work,
            ),
            #[cfg(target_arch = "x86_64")]
            fearless_simd::Level::Sse2($simd) => fearless_simd::Simd::vectorize(
                $simd,
                #[inline(always)]
                || $work,
            ),
            // Other architectures have one level, and lanes have none without any.
            level => fearless_simd::dispatch!(level, $simd => $work),
        }
    };
}
pub(super) use at_level;

// Known to the compiler wherever it is asked of a level's own code.
#[inline(always)]
pub(super) const fn name_of(level: Option<Level>) -> SimdLevel {
    match level {
        #[cfg(target_arch = "x86_64")]
        Some(Level::Avx512(_)) => SimdLevel::Avx512,
        #[cfg(target_arch = "x86_64")]
        Some(Level::Avx2(_)) => SimdLevel::Avx2,
        #[cfg(target_arch = "x86_64")]
        Some(Level::Sse4_2(_)) => SimdLevel::Sse42,
        #[cfg(target_arch = "x86_64")]
        Some(Level::Sse2(_)) => SimdLevel::Sse2,
        #[cfg(target_arch = "aarch64")]
        Some(Level::Neon(_)) => SimdLevel::Neon,
        _ => SimdLevel::Serial,
    }
}

/// The processor's level or a weaker one; `None` where lanes don't pay, or where the words of a message are not in the
/// processor's byte order.
pub(super) fn level_up_to(max: SimdLevel) -> Option<Level> {
    let detected = Level::new();
    if max == SimdLevel::Serial || detected.is_fallback() || cfg!(target_endian = "big") {
        return None;
    }
    #[cfg(target_arch = "x86_64")]
    return match max {
        SimdLevel::Serial => None,
        SimdLevel::Sse2 => detected.as_sse2().map(fearless_simd::Simd::level),
        SimdLevel::Sse42 | SimdLevel::Neon => detected.as_sse4_2().map(fearless_simd::Simd::level).or(Some(detected)),
        SimdLevel::Avx2 => detected.as_avx2().map(fearless_simd::Simd::level).or(Some(detected)),
        SimdLevel::Avx512 => Some(detected),
    };
    #[cfg(target_arch = "aarch64")]
    return (max >= SimdLevel::Neon).then_some(detected);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_what_it_says_only_where_the_processor_has_it_and_nothing_stronger_is_compiled_in() {
        use SimdLevel::{Avx2, Avx512, Serial, Sse2, Sse42};
        assert_eq!(hindrance(Avx2, Avx2, Sse2), None);
        assert_eq!(hindrance(Avx2, Avx2, Avx2), None);
        assert!(hindrance(Avx2, Avx2, Avx512).unwrap().starts_with("built with AVX-512 everywhere"));
        assert_eq!(hindrance(Avx2, Sse42, Sse2), Some("this processor has no AVX2"));
        assert!(hindrance(Sse42, Sse42, Avx2).unwrap().starts_with("built with stronger instructions everywhere"));
        assert_eq!(hindrance(Serial, Serial, Avx512), None);
        assert_eq!(hindrance(Avx512, Avx512, Avx512), None);
        assert_eq!(hindrance(Avx512, Avx2, Sse2), Some("this processor has no AVX-512 of Ice Lake or later"));
        assert_eq!(hindrance(Sse42, Sse2, Sse2), Some("this processor does not have this instruction set"));
    }

    #[test]
    fn what_is_compiled_in_is_never_more_than_the_processor_has_while_it_runs() {
        // Foundation of AVX-512 alone, such as `-C target-cpu=x86-64-v4`, counts as AVX2 of the processor, but not of
        // the build: the compiler uses what there is of it.
        let detected = SimdLevel::detected();
        let is_partial = SimdLevel::compiled_in() == SimdLevel::Avx512 && detected == SimdLevel::Avx2;
        assert!(SimdLevel::compiled_in() <= detected || is_partial, "{:?}", SimdLevel::compiled_in());
    }

    #[test]
    fn this_processor_hinders_the_levels_that_it_does_not_have_and_no_others() {
        use SimdLevel::{Avx2, Avx512, Neon, Serial, Sse2, Sse42};
        for level in [Serial, Sse2, Sse42, Neon, Avx2, Avx512] {
            let is_there = LanesMac::with_max(level).level() == level;
            let is_exact = level == Serial || SimdLevel::compiled_in() <= level;
            assert_eq!(level.hindrance().is_none(), is_there && is_exact, "{}", level.name());
            assert!(level.hindrance().is_none_or(|reason| reason.len() > 10), "{}", level.name());
        }
        assert_eq!(Serial.hindrance(), None);
    }
}
