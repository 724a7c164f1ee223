//! Strict nets: one spelling each.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use ipnet::IpNet;

/// Whether `net` is the canonical spelling of a net without host bits, and contains `peer`.
pub(super) fn canonical_net_contains(net: &str, peer: IpAddr) -> bool {
    net.parse::<IpNet>()
        .is_ok_and(|parsed| parsed.contains(&peer) && parsed.addr() == parsed.network() && is_spelled(&parsed, net))
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
        ] {
            assert_eq!(canonical_net_contains(net, peer.parse().unwrap()), contains, "{peer} in {net}");
        }
    }
}
