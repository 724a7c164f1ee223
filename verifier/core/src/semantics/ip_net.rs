//! Strict nets: one spelling each.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::view::Text;

/// Whether `net` is the canonical spelling of a net without host bits, and contains `peer`.
pub(super) fn canonical_net_contains(net: Text<'_>, peer: IpAddr) -> bool {
    if let IpAddr::V4(peer) = peer
        && let Some((address, prefix_len)) = canonical_v4_net(net.as_bytes())
    {
        let mask = u32::MAX.checked_shl(32 - prefix_len).unwrap_or(0);
        return address & !mask == 0 && peer.to_bits() & mask == address;
    }
    let net = net.as_str();
    net.parse::<IpNet>()
        .is_ok_and(|parsed| parsed.contains(&peer) && parsed.addr() == parsed.network() && is_spelled(&parsed, net))
}

/// Reads `a.b.c.d/n`, as a net is spelled canonically but for host bits: the usual case, without the general parser and
/// its check of the spelling.
fn canonical_v4_net(net: &[u8]) -> Option<(u32, u32)> {
    let mut address = 0;
    let mut rest = net;
    for end in [b'.', b'.', b'.', b'/'] {
        let (octet, after) = canonical_decimal(rest)?;
        let (&separator, after) = after.split_first()?;
        if octet > 255 || separator != end {
            return None;
        }
        address = address << 8 | octet;
        rest = after;
    }
    let (prefix_len, after) = canonical_decimal(rest)?;
    (after.is_empty() && prefix_len <= 32).then_some((address, prefix_len))
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
