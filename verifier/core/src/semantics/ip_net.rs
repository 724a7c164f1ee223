//! Strict nets: one spelling each.
//!
//! They are read here and not by a general parser, which reads every spelling: to find out whether the one at hand is
//! canonical, what was read would have to be written again and compared. That made batches of tokens with long IPv6
//! nets take more than four times as long as ordinary ones (`cargo lab hostile`).

use std::net::{IpAddr, Ipv6Addr};

use crate::view::Text;

/// Whether `net` is the canonical spelling of a net without host bits, and contains `peer`, which is no IPv4 address
/// mapped to IPv6. A mapped net, `::ffff:10.0.0.0/104`, contains no such peer.
pub(super) fn canonical_net_contains(net: Text<'_>, peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(peer) => canonical_v4_net(net.as_bytes()).is_some_and(|(address, prefix_len)| {
            let mask = u32::MAX.checked_shl(32 - prefix_len).unwrap_or(0);
            address & !mask == 0 && peer.to_bits() & mask == address
        }),
        IpAddr::V6(peer) => canonical_v6_net(net.as_bytes()).is_some_and(|(address, prefix_len)| {
            let mask = u128::MAX.checked_shl(128 - prefix_len).unwrap_or(0);
            address & !mask == 0 && peer.to_bits() & mask == address
        }),
    }
}

/// Reads `a.b.c.d/n`, as a net is spelled canonically but for host bits.
fn canonical_v4_net(net: &[u8]) -> Option<(u32, u32)> {
    let mut octets = [0_u8; 4];
    let mut rest = net;
    for (octet, end) in octets.iter_mut().zip(*b".../") {
        let (value, after) = canonical_decimal(rest)?;
        let (&separator, after) = after.split_first()?;
        if separator != end {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
        rest = after;
    }
    let (prefix_len, after) = canonical_decimal(rest)?;
    (after.is_empty() && prefix_len <= 32).then_some((u32::from_be_bytes(octets), prefix_len))
}

/// Reads up to three digits without leading zeros, and gives what follows them.
fn canonical_decimal(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0;
    let mut len = 0;
    while let Some(&digit @ b'0'..=b'9') = text.get(len) {
        value = value * 10 + u32::from(digit - b'0');
        len += 1;
        if len > 3 {
            return None;
        }
    }
    let leading_zero = len > 1 && text.first() == Some(&b'0');
    (len > 0 && !leading_zero).then(|| (value, text.get(len..).unwrap_or_default()))
}

/// Reads an IPv6 net as it is spelled canonically (RFC 5952) but for host bits: groups in lower-case hexadecimal
/// without leading zeros, and `::` for the longest run of zero groups, the first of several, if it is longer than one.
/// Not for addresses that are IPv4 ones mapped to IPv6, whose canonical spelling has dots.
fn canonical_v6_net(net: &[u8]) -> Option<(u128, u32)> {
    const GROUPS: usize = 8;
    let mut groups = [0_u16; GROUPS];
    let (mut count, mut gap) = (0, None);
    let mut rest = net;
    if let Some(after) = rest.strip_prefix(b"::") {
        (gap, rest) = (Some(0), after);
    }
    // A `/` follows a group, or the gap.
    while gap != Some(count) || rest.first() != Some(&b'/') {
        let (group, after) = canonical_group(rest)?;
        *groups.get_mut(count)? = group;
        count += 1;
        rest = match after {
            [b'/', ..] => {
                rest = after;
                break;
            }
            [b':', b':', after @ ..] if gap.is_none() => {
                gap = Some(count);
                after
            }
            [b':', after @ ..] => after,
            _ => return None,
        };
    }
    let (prefix_len, after) = canonical_decimal(rest.strip_prefix(b"/")?)?;
    if !after.is_empty() || prefix_len > 128 {
        return None;
    }
    let skipped = GROUPS - count;
    let gap = gap.map(|start| (start, skipped));
    if let Some((start, _)) = gap {
        // What stands behind the gap moves to the end; the zeros that were there move into it.
        groups.get_mut(start..)?.rotate_right(skipped);
    } else if skipped > 0 {
        return None;
    }
    let is_mapped = matches!(groups, [0, 0, 0, 0, 0, 0xffff, _, _]);
    if is_mapped || longest_run_of_zeros(&groups) != gap {
        return None;
    }
    let address = Ipv6Addr::from(groups).to_bits();
    Some((address, prefix_len))
}

/// Where the longest run of at least two zero groups begins, the first of several, and how many they are.
fn longest_run_of_zeros(groups: &[u16]) -> Option<(usize, usize)> {
    let (mut longest, mut run) = (None, 0);
    for (index, group) in groups.iter().enumerate() {
        run = if *group == 0 { run + 1 } else { 0 };
        if run > longest.map_or(1, |(_, len)| len) {
            longest = Some((index + 1 - run, run));
        }
    }
    longest
}

/// Reads one to four hexadecimal digits, lower case, without leading zeros, and gives what follows them.
fn canonical_group(text: &[u8]) -> Option<(u16, &[u8])> {
    let mut value = 0;
    let mut len = 0;
    while let Some(&digit) = text.get(len) {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => break,
        };
        if len == 4 {
            return None;
        }
        value = value * 16 + u16::from(digit);
        len += 1;
    }
    let leading_zero = len > 1 && text.first() == Some(&b'0');
    (len > 0 && !leading_zero).then(|| (value, text.get(len..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::fmt::{self, Write as _};

    use ipnet::Ipv6Net;

    use super::*;

    /// Whether `value` displays as exactly `spelling`; allocates nothing.
    fn is_spelled(value: &impl fmt::Display, spelling: &str) -> bool {
        struct Rest<'a>(&'a str);
        impl fmt::Write for Rest<'_> {
            fn write_str(&mut self, part: &str) -> fmt::Result {
                self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
                Ok(())
            }
        }
        let mut rest = Rest(spelling);
        write!(rest, "{value}").is_ok() && rest.0.is_empty()
    }

    #[test]
    fn only_the_canonical_spelling_counts() {
        for (net, peer, contains) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.0.0.1/8", "10.1.2.3", false),
            ("10.0.0.0/08", "10.1.2.3", false),
            ("010.0.0.0/8", "10.1.2.3", false),
            ("10.0.0.0", "10.0.0.0", false),
            (" 10.0.0.0/8", "10.1.2.3", false),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("2001:db8::/32", "2001:db8::7", true),
            ("2001:DB8::/32", "2001:db8::7", false),
            ("2001:0db8::/32", "2001:db8::7", false),
            ("::/0", "10.0.0.1", false),
            ("", "10.0.0.1", false),
            ("10.0.0.0/32", "10.0.0.0", true),
            ("256.0.0.0/8", "10.0.0.0", false),
            ("10.0.0/8", "10.0.0.0", false),
            ("10.0.0.0/", "10.0.0.0", false),
            ("10.0.0.0/8 ", "10.0.0.0", false),
            ("0.0.0.0/1", "127.255.255.255", true),
            ("0.0.0.0/1", "128.0.0.0", false),
        ] {
            assert_eq!(canonical_net_contains(Text::from(net), peer.parse().unwrap()), contains, "{peer} in {net}");
        }
    }

    #[test]
    fn the_fast_reader_accepts_what_the_general_one_does() {
        for octet in ["0", "1", "9", "10", "99", "100", "255", "256", "00", "01", "1000", "", "-1", "a"] {
            for prefix_len in ["0", "1", "8", "31", "32", "33", "08", "", "100"] {
                for net in [format!("{octet}.0.0.0/{prefix_len}"), format!("10.{octet}.3.{octet}/{prefix_len}")] {
                    let general = net.parse::<ipnet::Ipv4Net>().ok().filter(|parsed| is_spelled(parsed, &net));
                    let general = general.map(|parsed| (parsed.addr().to_bits(), u32::from(parsed.prefix_len())));
                    assert_eq!(canonical_v4_net(net.as_bytes()), general, "{net}");
                }
            }
        }
    }

    /// What the general parser makes of it, if that is spelled so, and is no mapped address.
    fn general_v6_net(net: &str) -> Option<(u128, u32)> {
        let parsed = net.parse::<Ipv6Net>().ok().filter(|parsed| is_spelled(parsed, net))?;
        let is_mapped = parsed.addr().to_ipv4_mapped().is_some();
        (!is_mapped).then(|| (parsed.addr().to_bits(), u32::from(parsed.prefix_len())))
    }

    #[test]
    fn gaps_are_where_the_canonical_spelling_has_them() {
        for (net, is_canonical) in [
            ("::/0", true),
            ("::1/128", true),
            ("1::/16", true),
            ("1::8/128", true),
            ("1:0:0:4::/64", true),
            ("1::4:0:0:0:0/64", false),
            ("1::4:0:0:7:8/128", true),
            ("1:0:0:4::7:8/128", false),
            ("1:0:3:4:5:6:7:8/128", true),
            ("1::3:4:5:6:7:8/128", false),
            ("1:2:3:4:5:6:7:8/128", true),
            ("1:2:3:4:5:6:7::/112", false),
            ("1:2:3:4:5:6::/96", true),
            ("::3:4:5:6:7:8/128", true),
            ("::2:3:4:5:6:7:8/128", false),
            ("0:0:3:4:5:6:7:8/128", false),
            ("0:2:3:4:5:6:7:8/128", true),
            ("1:::8/128", false),
            ("1::2::8/128", false),
            (":1:2:3:4:5:6:7/128", false),
            ("1:2:3:4:5:6:7:/128", false),
            ("1:2:3:4:5:6:7/128", false),
            ("1:2:3:4:5:6:7:8:9/128", false),
            ("1:2:3:4:5:6:7:8::/128", false),
            ("::1:2:3:4:5:6:7:8/128", false),
            ("ABCD::/16", false),
            ("0abc::/16", false),
            ("00::/16", false),
            ("12345::/16", false),
            ("1::/129", false),
            ("1::/016", false),
            ("1::/", false),
            ("1::", false),
            ("/16", false),
            (":/16", false),
            ("1::/16 ", false),
            ("1::%1/16", false),
            ("::ffff:10.0.0.0/104", false),
            ("::ffff:a00:0/104", false),
            ("::fffe:a00:0/112", true),
            ("::1.2.3.4/128", false),
        ] {
            assert_eq!(canonical_v6_net(net.as_bytes()).is_some(), is_canonical, "{net}");
            assert_eq!(canonical_v6_net(net.as_bytes()), general_v6_net(net), "{net}");
        }
    }

    #[test]
    fn every_ipv6_net_is_read_as_the_general_parser_reads_its_canonical_spelling() {
        // A linear congruential generator: the same nets in every run.
        let mut state = 1_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        let mut canonical = 0;
        for _ in 0..40_000 {
            let groups: [u16; 8] = std::array::from_fn(|_| match below(5) {
                0 | 1 => 0,
                2 => 0xffff,
                3 => below(16) as u16,
                _ => below(65_536) as u16,
            });
            let net = format!("{}/{}", Ipv6Addr::from(groups), below(129));
            let place = below(net.len() as u64) as usize;
            let byte = char::from(b"0123456789abcdefAF:./ "[below(22) as usize]);
            let mut longer = net.clone();
            longer.insert(place, byte);
            let changed = format!("{}{byte}{}", &net[..place], &net[place + 1..]);
            let shorter = format!("{}{}", &net[..place], &net[place + 1..]);
            for net in [net, longer, changed, shorter] {
                let read = canonical_v6_net(net.as_bytes());
                canonical += usize::from(read.is_some());
                assert_eq!(read, general_v6_net(&net), "{net}");
            }
        }
        assert!((50_000..150_000).contains(&canonical), "{canonical}");
    }
}
