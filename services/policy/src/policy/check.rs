//! Conditions of a rule, compiled.

use std::net::IpAddr;

use ipnet::IpNet;
use smallvec::SmallVec;

use super::facts::{Facts, PeerKey, Text};
use super::symbols::{Symbol, Symbols};
use crate::bundle::Condition;
use crate::bundle::conditions::Daily;
use crate::decision::Field;
use crate::glob::Glob;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    Holds,
    Fails,
    /// The request does not say what it asks for.
    Unknown,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

/// Names of a condition, sorted. Few stand beside each other in the rule, as most rules are met one at a time, and each
/// jump to other memory costs more than judging.
pub(crate) type Wanted = SmallVec<[Symbol; 4]>;

/// The conditions of a rule, those that cost least first.
pub(crate) type Checks = SmallVec<[Check; 2]>;

/// A condition.
#[derive(Debug)]
pub(crate) enum Check {
    /// A text is one of the names, or matches one of the patterns.
    Text { field: Field, names: Wanted, globs: Box<[Glob]> },
    /// All of the names are in a list.
    All { field: Field, names: Wanted },
    /// One of the names is in a list.
    Any { field: Field, names: Wanted },
    /// The body has at least so many bytes.
    BodyAtLeast(u64),
    /// The body has at most so many bytes.
    BodyAtMost(u64),
    /// It is at least so late, in seconds since the Unix epoch.
    NotBefore(u64),
    /// It is at most so late, in seconds since the Unix epoch.
    NotAfter(u64),
    /// One of the windows is open.
    Daily(Box<[Daily]>),
    /// The peer is in one of the ranges, which are sorted and apart.
    Peer(Box<[PeerRange]>),
}

/// Addresses from the first to the last, both included, as the bytes of [`PeerKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerRange {
    first: PeerKey,
    last: PeerKey,
}

impl PeerRange {
    /// Whole bytes that all of its addresses begin with.
    pub(crate) fn prefix(&self) -> &[u8] {
        let (first, last) = (self.first.bytes(), self.last.bytes());
        let common = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        first.get(..common).unwrap_or_default()
    }
}

impl Check {
    pub(crate) const fn field(&self) -> Field {
        match self {
            Self::Text { field, .. } | Self::All { field, .. } | Self::Any { field, .. } => *field,
            Self::BodyAtLeast(_) | Self::BodyAtMost(_) => Field::Body,
            Self::NotBefore(_) | Self::NotAfter(_) | Self::Daily(_) => Field::Time,
            Self::Peer(_) => Field::Peer,
        }
    }

    pub(crate) fn truth(&self, facts: &Facts<'_>) -> Truth {
        let about =
            |known: Option<u64>, holds: &dyn Fn(u64) -> bool| known.map_or(Truth::Unknown, |it| holds(it).into());
        match self {
            Self::Text { field, names, globs } => match facts.text(*field) {
                Text::Unknown => Truth::Unknown,
                Text::Known(text, symbol) => {
                    (contains(names, symbol) || globs.iter().any(|glob| glob.matches(text))).into()
                }
            },
            Self::All { field, names } => {
                let found = facts.names(*field);
                names.iter().all(|&name| contains(found, name)).into()
            }
            Self::Any { field, names } => {
                let found = facts.names(*field);
                names.iter().any(|&name| contains(found, name)).into()
            }
            Self::BodyAtLeast(bytes) => about(facts.body_bytes, &|body| body >= *bytes),
            Self::BodyAtMost(bytes) => about(facts.body_bytes, &|body| body <= *bytes),
            Self::NotBefore(first_s) => about(facts.now_unix_s, &|now| now >= *first_s),
            Self::NotAfter(last_s) => about(facts.now_unix_s, &|now| now <= *last_s),
            Self::Daily(windows) => {
                about(facts.second_of_day(), &|second| windows.iter().any(|window| window.contains(second)))
            }
            Self::Peer(ranges) => facts.peer.as_ref().map_or(Truth::Unknown, |peer| is_in(ranges, peer).into()),
        }
    }
}

fn contains(sorted: &[Symbol], symbol: Symbol) -> bool {
    match sorted {
        [] => false,
        [only] => *only == symbol,
        more => more.binary_search(&symbol).is_ok(),
    }
}

fn is_in(ranges: &[PeerRange], peer: &PeerKey) -> bool {
    let behind = ranges.partition_point(|range| range.first.bytes() <= peer.bytes());
    let range = behind.checked_sub(1).and_then(|index| ranges.get(index));
    range.is_some_and(|range| peer.bytes() <= range.last.bytes())
}

/// The conditions of a rule.
pub(crate) fn compile(when: &Condition, symbols: &mut Symbols) -> Checks {
    let mut checks = Checks::new();
    let mut intern = |field, names: &[String]| {
        let mut interned: Wanted = names.iter().map(|name| symbols.intern(field, name)).collect();
        interned.sort_unstable();
        interned
    };
    // The method first: a trace of a deployed bundle tells by it which rules are looked at.
    for (field, names) in
        [(Field::Method, &when.methods), (Field::Tenant, &when.tenants), (Field::Region, &when.regions)]
    {
        if let Some(names) = names {
            checks.push(Check::Text { field, names: intern(field, names), globs: Box::default() });
        }
    }
    checks.extend(when.body_at_least.map(Check::BodyAtLeast));
    checks.extend(when.body_at_most.map(Check::BodyAtMost));
    if let Some(time) = &when.time {
        checks.extend(time.not_before_s.map(Check::NotBefore));
        checks.extend(time.not_after_s.map(Check::NotAfter));
        if !time.daily.is_empty() {
            checks.push(Check::Daily(time.daily.as_slice().into()));
        }
    }
    for (field, patterns) in
        [(Field::Subject, &when.subjects), (Field::Action, &when.actions), (Field::Resource, &when.resources)]
    {
        if let Some(patterns) = patterns {
            let literals: Vec<String> = patterns.iter().filter_map(Glob::literal).map(str::to_owned).collect();
            let globs = patterns.iter().filter(|glob| glob.literal().is_none()).cloned().collect();
            checks.push(Check::Text { field, names: intern(field, &literals), globs });
        }
    }
    for (field, all, any) in [
        (Field::Scopes, &when.scopes_all, &when.scopes_any),
        (Field::Roles, &when.roles_all, &when.roles_any),
        (Field::Tags, &when.tags_all, &when.tags_any),
    ] {
        if !all.is_empty() {
            checks.push(Check::All { field, names: intern(field, all) });
        }
        if !any.is_empty() {
            checks.push(Check::Any { field, names: intern(field, any) });
        }
    }
    if !when.peers.is_empty() {
        checks.push(Check::Peer(ranges(&when.peers)));
    }
    checks.shrink_to_fit();
    checks
}

/// The networks as ranges, without those that lie in another one.
fn ranges(nets: &[IpNet]) -> Box<[PeerRange]> {
    let range = |net: &IpNet| match net {
        IpNet::V4(v4) => (IpAddr::V4(v4.network()), IpAddr::V4(v4.broadcast())),
        IpNet::V6(v6) => (IpAddr::V6(v6.network()), IpAddr::V6(v6.broadcast())),
    };
    let key = |(first, last)| PeerRange { first: PeerKey::of_net(first), last: PeerKey::of_net(last) };
    let mut sorted: Vec<PeerRange> = nets.iter().map(range).map(key).collect();
    sorted.sort_by(|a, b| a.first.bytes().cmp(b.first.bytes()).then_with(|| b.last.bytes().cmp(a.last.bytes())));
    let mut apart: Vec<PeerRange> = Vec::new();
    for range in sorted {
        // Two networks are apart, or one is in the other.
        if apart.last().is_none_or(|before| before.last.bytes() < range.first.bytes()) {
            apart.push(range);
        }
    }
    apart.into_boxed_slice()
}
