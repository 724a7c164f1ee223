//! For each kind of caveat: values that are meant to hold for a request, and values that are not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::select;

use crate::common::nearly_canonical_item;
use crate::interpreter::{Caveat, Request, Rules};

/// The first list's elements `odds` times out of `odds + 1`, where both have any.
pub(super) fn either<T: Clone + std::fmt::Debug + 'static>(odds: u32, good: Vec<T>, bad: Vec<T>) -> BoxedStrategy<T> {
    match (good.is_empty(), bad.is_empty()) {
        (true, _) => select(bad).boxed(),
        (_, true) => select(good).boxed(),
        _ => prop_oneof![odds => select(good), 1 => select(bad)].boxed(),
    }
}

pub(super) fn map<T>((good, bad): (Vec<T>, Vec<T>), caveat: fn(T) -> Caveat) -> (Vec<Caveat>, Vec<Caveat>) {
    (good.into_iter().map(caveat).collect(), bad.into_iter().map(caveat).collect())
}

pub(super) fn expiries(request: &Request, rules: &Rules) -> (Vec<u64>, Vec<u64>) {
    let last = request.now_s.saturating_sub(rules.skew_s);
    let bad = [1, 2, 1 << 32].map(|late| last.checked_sub(late)).into_iter().flatten().collect();
    (vec![last, last.saturating_add(1), request.now_s, u64::MAX, 1 << 63], bad)
}

pub(super) fn beginnings(request: &Request, rules: &Rules) -> (Vec<u64>, Vec<u64>) {
    let first = request.now_s.saturating_add(rules.skew_s);
    let bad = [1, 2, 1 << 32].map(|early| first.checked_add(early)).into_iter().flatten().collect();
    (vec![first, first.saturating_sub(1), request.now_s, 0], bad)
}

pub(super) fn names(own: &Option<String>) -> (Vec<String>, Vec<String>) {
    match own {
        Some(own) => (vec![own.clone()], others(own)),
        None => (vec![], vec![String::new(), "aud-demo".into()]),
    }
}

pub(super) fn others(own: &str) -> Vec<String> {
    let mut cases = own.to_uppercase();
    if cases == own {
        cases = own.to_lowercase();
    }
    let mut others = vec![cases, format!("{own}\0"), format!(" {own}"), "other".into(), String::new()];
    others.retain(|other| other != own);
    others
}

pub(super) fn method_lists(own: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let (lower, upper) = (own.to_ascii_lowercase(), own.to_ascii_uppercase());
    let good = vec![list(&[own]), list(&[&lower]), list(&[&upper]), list(&["PUT", own]), list(&[&lower, "HEAD", own])];
    // Letters that are equal to others only beyond ASCII: É and é, the Kelvin sign and k.
    let odd = own.replace('É', "é").replace('\u{212a}', "k");
    let mut bad = vec![list(&[]), list(&["PATCH"]), list(&["PUT", "HEAD"])];
    bad.extend(
        [format!("{own} "), format!("{own}\0"), odd].iter().filter(|name| *name != own).map(|name| list(&[name])),
    );
    if !own.is_empty() {
        bad.push(list(&[""]));
    }
    (good, bad)
}

/// Every prefix of the path, and some that are none. Those that end at a segment's end are meant to hold.
pub(super) fn prefixes(path: &str) -> (Vec<String>, Vec<String>) {
    let (mut good, mut bad) = (vec![path.to_owned()], vec![format!("{path}/"), format!("{path}x"), "/other".into()]);
    for (at, _) in path.char_indices() {
        let (prefix, beyond) = path.split_at(at);
        let is_boundary = prefix.ends_with('/') || beyond.starts_with('/');
        if is_boundary { &mut good } else { &mut bad }.push(prefix.to_owned());
    }
    bad.extend([path.to_uppercase(), path.to_lowercase()].into_iter().filter(|other| other != path));
    (good, bad)
}

pub(super) fn nets(peer: Option<IpAddr>) -> (Vec<String>, Vec<String>) {
    let mut bad: Vec<String> = [
        "10.0.0.0",
        "",
        "nonsense",
        "10.0.0.0/33",
        "10.0.0.0/",
        "/8",
        "::/129",
        "::ffff:0.0.0.0/96",
        "10/8",
        "1.2.3/24",
    ]
    .map(str::to_owned)
    .into();
    let Some(peer) = peer else {
        bad.extend(["0.0.0.0/0", "::/0"].map(str::to_owned));
        return (vec![], bad);
    };
    let mapped = match peer {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    if let Some(v4) = mapped.to_ipv4_mapped() {
        let bits = u32::from(v4);
        let net = |len: u32| Ipv4Addr::from(bits & u32::MAX.checked_shl(32 - len).unwrap_or(0));
        let good = [0, 1, 8, 15, 24, 31, 32].map(|len| format!("{}/{len}", net(len))).to_vec();
        bad.extend([8, 24, 31].map(|len| format!("{}/{len}", Ipv4Addr::from(bits | 1))));
        bad.extend([8, 24, 32].map(|len| format!("{}/{len}", Ipv4Addr::from(u32::from(net(len)) ^ 1 << (32 - len)))));
        bad.extend([
            format!("{mapped}/128"),
            "::/0".into(),
            format!("0{v4}/32"),
            format!("{v4}/032"),
            format!("{v4}/+32"),
            format!(" {v4}/32"),
            format!("{v4}/32 "),
            format!("{v4}/32/32"),
            format!("{v4}%eth0/32"),
            format!("{bits}/32"),
            format!("{bits:#x}/32"),
            format!("::ffff:{:x}:{:x}/128", bits >> 16, bits & 0xffff),
            format!("::ffff:{}/96", Ipv4Addr::UNSPECIFIED),
        ]);
        return (good, bad);
    }
    let bits = u128::from(mapped);
    let net = |len: u32| Ipv6Addr::from(bits & u128::MAX.checked_shl(128 - len).unwrap_or(0));
    let good = [0, 1, 16, 32, 64, 96, 127, 128].map(|len| format!("{}/{len}", net(len))).to_vec();
    let groups = mapped.segments();
    let last = mapped.octets();
    bad.extend([16, 64, 127].map(|len| format!("{}/{len}", Ipv6Addr::from(bits | 1))));
    bad.extend([16, 64, 128].map(|len| format!("{}/{len}", Ipv6Addr::from(u128::from(net(len)) ^ 1 << (128 - len)))));
    bad.extend([
        "0.0.0.0/0".into(),
        "0::/0".into(),
        "0:0:0:0:0:0:0:0/0".into(),
        "::0.0.0.0/0".into(),
        format!("{}/128", mapped.to_string().to_uppercase()),
        format!("{}/128", groups.map(|group| format!("{group:04x}")).join(":")),
        format!("{}/128", groups.map(|group| format!("{group:x}")).join(":")),
        format!(
            "{}:{}.{}.{}.{}/128",
            groups[..6].iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":"),
            last[12],
            last[13],
            last[14],
            last[15],
        ),
        format!("{mapped}%eth0/128"),
        format!("{mapped}%1/128"),
        format!("[{mapped}]/128"),
        format!("{mapped}/0128"),
        format!("{mapped}/128\n"),
    ]);
    (good, bad)
}

pub(super) fn lengths(request: &Request) -> (Vec<u64>, Vec<u64>) {
    match request.content_len {
        None => (vec![], vec![0, 23, 4096, u64::MAX]),
        Some(len) => {
            let bad = [1, 2, 1 << 20].map(|less| len.checked_sub(less)).into_iter().flatten().collect();
            (vec![len, len.saturating_add(1), u64::MAX], bad)
        }
    }
}

pub(super) fn rates() -> Vec<Caveat> {
    [(0, 0), (1, 2), (23, 24), (256, 65_536), (0, u32::MAX), (u32::MAX, u32::MAX)]
        .map(|(per_s, burst)| Caveat::Rate { per_s, burst })
        .to_vec()
}

/// Floats where one width passes into the next: the least and the greatest of a width, and their neighbours beyond.
const FLOATS_AT_AN_EDGE: [&str; 24] = [
    "f90000",
    "f98000",
    "f90001",
    "f903ff",
    "f90400",
    "f97bff",
    "f97c00",
    "fa00000000",
    "fa80000000",
    "fa33800000",
    "fa33800001",
    "fa33000000",
    "fa387fc000",
    "fa387fe000",
    "fa477fe000",
    "fa477ff000",
    "fa47800000",
    "fa7f800000",
    "fb8000000000000000",
    "fb36a0000000000000",
    "fb3690000000000000",
    "fb47efffffe0000000",
    "fb47efffffe0000001",
    "fb47f0000000000000",
];

/// Values for a custom caveat, most of them canonical.
pub fn custom_value() -> impl Strategy<Value = Vec<u8>> {
    let levels = (select(vec![[0x81].to_vec(), [0xa1, 0x00].to_vec()]), 30..35_usize, select(vec![0x00, 0x80, 0xa0]));
    let floats = select(FLOATS_AT_AN_EDGE.to_vec()).prop_map(|digits| hex::decode(digits).unwrap());
    prop_oneof![
        7 => nearly_canonical_item(),
        1 => floats,
        1 => levels.prop_map(|(level, levels, innermost)| [level.repeat(levels), vec![innermost]].concat()),
    ]
}
