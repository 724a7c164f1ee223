//! When a version is announced, signs, only verifies, and is gone: a function of its times and a clock, written
//! nowhere.
//!
//! The windows in which versions sign follow each other without gaps, whatever the order of changes, so that at each
//! moment one version signs.

use std::time::Duration;

use serde::Serialize;

/// What a version of a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionState {
    /// Verifies, and will sign once all verifiers know it.
    Announced,
    /// Signs and verifies. One version of a key does.
    Active,
    /// Another version signs; what this one signed still verifies.
    VerifyOnly,
    /// Neither. Its key id stays known, to tell who still uses it.
    Retired,
}

impl VersionState {
    /// Whether what was signed with the version is accepted.
    #[must_use]
    pub const fn verifies(self) -> bool {
        !matches!(self, Self::Retired)
    }
}

/// How a version follows another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long the new version is announced before it signs. From a second on, every process that verifies knows it
    /// before it is used. A version that was announced before needs none.
    pub lead: Duration,
    /// How long the old version verifies after it has stopped signing; `None`: until it is retired.
    pub grace: Option<Duration>,
}

impl Default for Rotation {
    /// Two seconds ahead, a day of grace.
    fn default() -> Self {
        Self { lead: Duration::from_secs(2), grace: Some(Duration::from_secs(24 * 60 * 60)) }
    }
}

/// The times of a version, in milliseconds since the Unix epoch; each comes no earlier than the one above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Since when it signs; `None`: nobody has decided that yet. The first version of a key signs from 0 on, so that it
    /// does where the clock goes back before its making.
    pub(crate) active_from_ms: Option<i64>,
    pub(crate) active_until_ms: Option<i64>,
    pub(crate) retired_from_ms: Option<i64>,
    /// Retired by hand: at any time, and no clock that goes back brings it to life again.
    pub(crate) revoked: bool,
}

impl Schedule {
    pub(crate) const FIRST: Self =
        Self { active_from_ms: Some(0), active_until_ms: None, retired_from_ms: None, revoked: false };

    pub(crate) fn state_at(&self, now_ms: i64) -> VersionState {
        let reached = |time_ms: Option<i64>| time_ms.is_some_and(|time_ms| time_ms <= now_ms);
        if self.revoked || reached(self.retired_from_ms) {
            VersionState::Retired
        } else if reached(self.active_until_ms) {
            VersionState::VerifyOnly
        } else if reached(self.active_from_ms) {
            VersionState::Active
        } else {
            VersionState::Announced
        }
    }

    /// Whether it signs now, or will.
    pub(crate) fn signs_from(&self, now_ms: i64) -> bool {
        let ends_later = self.active_until_ms.is_none_or(|until_ms| until_ms > now_ms);
        !self.revoked && self.active_from_ms.is_some() && ends_later
    }

    fn is_announced_only(&self) -> bool {
        !self.revoked && self.active_from_ms.is_none()
    }
}

/// The place of the version that signs: the active one. If there is none, since the clock went back to when one signed
/// that was retired by hand, the next one.
pub(crate) fn signing(schedules: impl Iterator<Item = Schedule> + Clone, now_ms: i64) -> Option<usize> {
    let active = schedules.clone().position(|schedule| schedule.state_at(now_ms) == VersionState::Active);
    active.or_else(|| {
        let later = schedules.enumerate().filter(|(_, schedule)| schedule.signs_from(now_ms));
        later.min_by_key(|(_, schedule)| schedule.active_from_ms).map(|(place, _)| place)
    })
}

/// Gives the earliest version that was only announced, or a new one at the end, its time to sign, and those that signed
/// until then an end. Gives the place of the version that takes over.
pub(crate) fn rotate(schedules: &mut Vec<Schedule>, now_ms: i64, rotation: Rotation) -> usize {
    // Never before one that is already on its way: the two would overlap.
    let latest_ms = schedules.iter().filter_map(|schedule| schedule.active_from_ms).max().unwrap_or(0);
    let from_ms = later(now_ms, rotation.lead).max(latest_ms);
    for schedule in schedules.iter_mut().filter(|schedule| schedule.active_from_ms.is_some()) {
        if schedule.active_until_ms.is_none() {
            schedule.active_until_ms = Some(from_ms);
            schedule.retired_from_ms = rotation.grace.map(|grace| later(from_ms, grace));
        }
    }
    let place = schedules.iter().position(Schedule::is_announced_only).unwrap_or_else(|| {
        schedules.push(Schedule::default());
        schedules.len() - 1
    });
    if let Some(schedule) = schedules.get_mut(place) {
        schedule.active_from_ms = Some(from_ms);
    }
    place
}

fn later(time_ms: i64, by: Duration) -> i64 {
    time_ms.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::VersionState::{Active, Announced, Retired, VerifyOnly};
    use super::*;
    use proptest::prelude::*;

    fn states(schedules: &[Schedule], now_ms: i64) -> Vec<VersionState> {
        schedules.iter().map(|schedule| schedule.state_at(now_ms)).collect()
    }

    #[test]
    fn a_version_is_announced_then_active_then_verify_only_then_retired() {
        let mut schedules = vec![Schedule::FIRST];
        let rotation = Rotation { lead: Duration::from_millis(10), grace: Some(Duration::from_millis(100)) };
        assert_eq!(rotate(&mut schedules, 1000, rotation), 1);
        for (now_ms, expected) in [
            (0, [Active, Announced]),
            (1009, [Active, Announced]),
            (1010, [VerifyOnly, Active]),
            (1109, [VerifyOnly, Active]),
            (1110, [Retired, Active]),
            (i64::MAX, [Retired, Active]),
        ] {
            assert_eq!(states(&schedules, now_ms), expected, "at {now_ms}");
        }
    }

    #[test]
    fn an_announced_version_takes_over_before_a_new_one_is_made() {
        let mut schedules = vec![Schedule::FIRST, Schedule::default()];
        let at_once = Rotation { lead: Duration::ZERO, grace: None };
        assert_eq!(rotate(&mut schedules, 1000, at_once), 1);
        assert_eq!(states(&schedules, 1000), [VerifyOnly, Active]);
        assert_eq!(states(&schedules, i64::MAX), [VerifyOnly, Active], "without an end of grace it verifies on");
    }

    proptest! {
        #[test]
        fn at_each_moment_one_version_is_active(
            steps in prop::collection::vec((0_i64..1000, 0_u64..50, prop::option::of(0_u64..50), any::<bool>()), 1..20),
        ) {
            let mut schedules = vec![Schedule::FIRST];
            // Times of changes jump back as well as ahead.
            for (now_ms, lead_ms, grace_ms, announces) in steps {
                if announces {
                    schedules.push(Schedule::default());
                } else {
                    let (lead, grace) = (Duration::from_millis(lead_ms), grace_ms.map(Duration::from_millis));
                    rotate(&mut schedules, now_ms, Rotation { lead, grace });
                }
                let turns = schedules.iter().flat_map(|it| [it.active_from_ms, it.active_until_ms]).flatten();
                for now_ms in turns.flat_map(|turn_ms| [turn_ms - 1, turn_ms]).filter(|now_ms| *now_ms >= 0) {
                    let active = states(&schedules, now_ms).into_iter().filter(|state| *state == Active).count();
                    prop_assert_eq!(active, 1, "at {} in {:?}", now_ms, schedules);
                    prop_assert!(signing(schedules.iter().copied(), now_ms).is_some());
                }
            }
        }
    }
}
