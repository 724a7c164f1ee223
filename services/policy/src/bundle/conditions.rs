//! Conditions of schema 2 about time and network.

use std::time::UNIX_EPOCH;

use ipnet::IpNet;
use serde::Deserialize;

use super::values::{Keyed, List, present};

/// Seconds of a day. A day of Unix time has no leap second.
pub(crate) const DAY_S: u64 = 86_400;

/// When a rule applies. In UTC.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeDocument {
    #[serde(default, deserialize_with = "present")]
    not_before: Option<Instant>,
    #[serde(default, deserialize_with = "present")]
    not_after: Option<Instant>,
    #[serde(default, deserialize_with = "present")]
    daily: Option<List<Keyed<Daily>>>,
}

/// A condition about the time: all that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Keyed<TimeDocument>")]
pub(crate) struct TimeCondition {
    /// First second, since the Unix epoch.
    pub(crate) not_before_s: Option<u64>,
    /// Last second, since the Unix epoch.
    pub(crate) not_after_s: Option<u64>,
    /// Windows of the day of which one has to be open.
    pub(crate) daily: Vec<Daily>,
}

impl TryFrom<Keyed<TimeDocument>> for TimeCondition {
    type Error = &'static str;
    fn try_from(Keyed(time): Keyed<TimeDocument>) -> Result<Self, Self::Error> {
        let condition = Self {
            not_before_s: time.not_before.map(|instant| instant.0),
            not_after_s: time.not_after.map(|instant| instant.0),
            daily: time.daily.map_or_else(Vec::new, |list| list.0.into_iter().map(|window| window.0).collect()),
        };
        match condition {
            Self { not_before_s: None, not_after_s: None, ref daily } if daily.is_empty() => {
                Err("no condition about the time; expected not_before, not_after or daily")
            }
            Self { not_before_s: Some(first), not_after_s: Some(last), .. } if first > last => {
                Err("not_before is later than not_after, so this never applies")
            }
            condition => Ok(condition),
        }
    }
}

/// A second, since the Unix epoch.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Instant(u64);

impl TryFrom<String> for Instant {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let since_epoch = humantime::parse_rfc3339(&text).ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        match since_epoch {
            Some(duration) if duration.subsec_nanos() == 0 => Ok(Self(duration.as_secs())),
            _ => Err(format!("{text:?}; expected a time in UTC from 1970 on, to the second, as 2026-01-31T08:00:00Z")),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DailyDocument {
    from: TimeOfDay,
    to: TimeOfDay,
}

/// A window of every day. One that ends before it begins goes on after midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "DailyDocument")]
pub(crate) struct Daily {
    /// First second of the day that is in it.
    from_s: u64,
    /// First second of the day that is not in it any more.
    to_s: u64,
}

impl Daily {
    /// Whether a second of the day is in the window.
    pub(crate) const fn contains(&self, second_of_day: u64) -> bool {
        if self.from_s < self.to_s {
            self.from_s <= second_of_day && second_of_day < self.to_s
        } else {
            self.from_s <= second_of_day || second_of_day < self.to_s
        }
    }
}

impl TryFrom<DailyDocument> for Daily {
    type Error = &'static str;
    fn try_from(window: DailyDocument) -> Result<Self, Self::Error> {
        let (TimeOfDay(from_s), TimeOfDay(to_s)) = (window.from, window.to);
        if from_s == DAY_S || from_s == to_s {
            return Err("a daily window that holds no time; from is before 24:00 and not the same as to");
        }
        Ok(Self { from_s, to_s })
    }
}

/// Seconds since midnight, up to the next midnight.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct TimeOfDay(u64);

impl TryFrom<String> for TimeOfDay {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = |part: &str| -> Option<u64> {
            (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let parsed = text.split_once(':').and_then(|(hours, minutes)| Some((digits(hours)?, digits(minutes)?)));
        match parsed {
            Some((hours @ 0..24, minutes @ 0..60)) => Ok(Self(hours * 3600 + minutes * 60)),
            Some((24, 0)) => Ok(Self(DAY_S)),
            _ => Err(format!("{text:?}; expected a time of day from 00:00 to 24:00, as 08:30")),
        }
    }
}

/// A network in its one spelling.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Net(pub(super) IpNet);

impl TryFrom<String> for Net {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Ok(net) = text.parse::<IpNet>() else {
            return Err(format!("{text:?}; expected a network, as 192.0.2.0/24 or 2001:db8::/32"));
        };
        if net.trunc() != net {
            return Err(format!("{text}: bits of a host are set; the network is {}", net.trunc()));
        }
        // Peers with such an address are judged by the IPv4 address in it, so the network would hold no peer.
        if let IpNet::V6(v6) = net
            && v6.prefix_len() >= 96
            && v6.network().to_ipv4_mapped().is_some()
        {
            return Err(format!("{text}: write the IPv4 network itself"));
        }
        Ok(Self(net))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyDocument {
    #[serde(default, deserialize_with = "present")]
    at_least: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    at_most: Option<u64>,
}

/// A condition about the length of the body in bytes, bounds included.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "Keyed<BodyDocument>")]
pub(super) struct BodyCondition {
    pub(super) at_least: Option<u64>,
    pub(super) at_most: Option<u64>,
}

impl TryFrom<Keyed<BodyDocument>> for BodyCondition {
    type Error = &'static str;
    fn try_from(Keyed(BodyDocument { at_least, at_most }): Keyed<BodyDocument>) -> Result<Self, Self::Error> {
        match (at_least, at_most) {
            (None, None) => Err("no condition about the body; expected at_least or at_most"),
            (Some(least), Some(most)) if least > most => Err("at_least is more than at_most, so this never applies"),
            _ => Ok(Self { at_least, at_most }),
        }
    }
}
