//! A peer, and nets of given lengths that permit it or do not. They are found by trying: the lengths of texts, how far
//! an address is masked, and which net contains which are too entangled to be solved for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::draw::{Draw, OTHERS};
use crate::corpus::shape::{Family, Net, SemanticsShape};

const TRIES: usize = 1000;

/// An address of this family to which as many as possible of `nets` can hold, among those tried.
pub(super) fn peer_for(family: Family, nets: &[Net], draw: &mut Draw) -> IpAddr {
    let mut wanted: Vec<(Net, usize)> = Vec::new();
    for net in nets.iter().filter(|net| net.holds && net.family == Some(family)) {
        match wanted.iter_mut().find(|(known, _)| known == net) {
            Some((_, count)) => *count += 1,
            None => wanted.push((*net, 1)),
        }
    }
    let all: usize = wanted.iter().map(|(_, count)| count).sum();
    let mut best = (0, address(family, draw));
    for _ in 0..TRIES {
        if best.0 == all {
            break;
        }
        let peer = address(family, draw);
        let held = wanted.iter().filter(|(net, _)| canonical(*net, peer).is_some());
        let held: usize = held.map(|(_, count)| count).sum();
        if held > best.0 {
            best = (held, peer);
        }
    }
    best.1
}

/// The text of a net of this shape, and whether it permits `peer`.
pub(super) fn net_for(shape: Net, peer: Option<IpAddr>, semantics: SemanticsShape, draw: &mut Draw) -> (String, bool) {
    if let Some(peer) = peer.filter(|_| shape.holds) {
        let lax = |draw| if semantics == SemanticsShape::Compat { with_host_bits(shape, peer, draw) } else { None };
        if let Some(net) = canonical(shape, peer).or_else(|| lax(draw)) {
            return (net, true);
        }
    }
    // What is no net permits nobody.
    let net = shape.family.and_then(|family| refusing(shape, family, peer, draw));
    (net.unwrap_or_else(|| draw.text(shape.text_bytes, OTHERS)), false)
}

/// The net without host bits that holds `peer`, if it has this shape.
fn canonical(shape: Net, peer: IpAddr) -> Option<String> {
    let family = shape.family.filter(|family| *family == family_of(peer))?;
    let nets = prefix_lens(shape, family).filter_map(|prefix_len| IpNet::new(peer, prefix_len).ok());
    nets.map(|net| net.trunc().to_string()).find(|net| net.len() == shape.text_bytes)
}

/// A net with host bits that holds `peer`: the compat semantics read those too.
fn with_host_bits(shape: Net, peer: IpAddr, draw: &mut Draw) -> Option<String> {
    let family = shape.family.filter(|family| *family == family_of(peer))?;
    let lens: Vec<u8> = prefix_lens(shape, family).collect();
    (0..TRIES).find_map(|_| {
        let net = IpNet::new(peer, *lens.get(draw.below(lens.len()))?).ok()?;
        let address = match (peer, address(family, draw), net.hostmask()) {
            (IpAddr::V4(peer), IpAddr::V4(any), IpAddr::V4(host)) => IpAddr::V4(peer & !host | any & host),
            (IpAddr::V6(peer), IpAddr::V6(any), IpAddr::V6(host)) => IpAddr::V6(peer & !host | any & host),
            _ => return None,
        };
        let text = IpNet::new(address, net.prefix_len()).ok()?.to_string();
        (text.len() == shape.text_bytes).then_some(text)
    })
}

fn refusing(shape: Net, family: Family, peer: Option<IpAddr>, draw: &mut Draw) -> Option<String> {
    // One without host bits, if there is any of this length.
    (0..2 * TRIES).find_map(|attempt| {
        let lens: Vec<u8> = prefix_lens(shape, family).collect();
        let prefix_len = *lens.get(draw.below(lens.len()))?;
        let net = IpNet::new(address(family, draw), prefix_len).ok()?;
        let net = if attempt < TRIES { net.trunc() } else { net };
        let refuses = !peer.is_some_and(|peer| net.contains(&peer));
        Some(net.to_string()).filter(|text| refuses && text.len() == shape.text_bytes)
    })
}

pub(crate) const fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

fn prefix_lens(shape: Net, family: Family) -> impl Iterator<Item = u8> {
    let last = shape.prefix_len_up_to;
    last.saturating_sub(family.step().saturating_sub(1)).max(last.min(1))..=last
}

/// Draws an address. Every length of an octet's or a group's text is as likely as the others, and so is zero.
fn address(family: Family, draw: &mut Draw) -> IpAddr {
    match family {
        Family::V4 => {
            let mut octet = || {
                let ranges = [0..=9, 10..=99, 100..=255];
                let range = ranges.get(draw.below(ranges.len())).cloned().unwrap_or(0..=9);
                u8::try_from(draw.within(&range)).unwrap_or(0)
            };
            // Not 0.x, 127.x or a multicast address.
            let mut first = octet();
            while first == 0 || first == 127 || first > 223 {
                first = octet();
            }
            IpAddr::V4(Ipv4Addr::new(first, octet(), octet(), octet()))
        }
        Family::V6 => {
            let mut group = || {
                let ranges = [0..=0, 1..=0xf, 0x10..=0xff, 0x100..=0xfff, 0x1000..=0xffff];
                let range = ranges.get(draw.below(ranges.len())).cloned().unwrap_or(0..=0);
                u16::try_from(draw.within(&range)).unwrap_or(0)
            };
            let first = group() | 0x2000;
            let mut groups = [(); 8].map(|()| group());
            if let Some(slot) = groups.first_mut() {
                *slot = first;
            }
            IpAddr::V6(Ipv6Addr::from(groups))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::describe::net_shape;

    #[test]
    fn nets_of_every_length_are_found_for_a_peer_and_against_it() {
        let mut draw = Draw::new(7);
        for texts in [
            &["10.0.0.0/8", "10.20.0.0/16", "10.20.30.0/24", "10.20.30.40/32", "0.0.0.0/0"][..],
            &["172.16.0.0/12", "172.18.0.0/15", "172.19.224.0/19", "172.19.230.7/32"],
            &["2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/64"],
        ] {
            let nets: Vec<Net> = texts.iter().map(|text| net_shape(text, true)).collect();
            let peer = peer_for(nets[0].family.unwrap(), &nets, &mut draw);
            for net in nets {
                let (text, holds) = net_for(net, Some(peer), SemanticsShape::Strict, &mut draw);
                assert!(holds && text.len() == net.text_bytes, "{net:?}: {text}");
                let parsed: IpNet = text.parse().unwrap();
                assert!(parsed.contains(&peer) && parsed.trunc().to_string() == text, "{text} {peer}");
                if text != "0.0.0.0/0" {
                    let (text, holds) =
                        net_for(Net { holds: false, ..net }, Some(peer), SemanticsShape::Strict, &mut draw);
                    let parsed: IpNet = text.parse().unwrap();
                    assert!(!holds && text.len() == net.text_bytes && !parsed.contains(&peer), "{text} {peer}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_net_stays_none() {
        let (text, holds) = net_for(net_shape("localhost", false), None, SemanticsShape::Strict, &mut Draw::new(1));
        assert!(!holds && text.len() == 9 && text.parse::<IpNet>().is_err(), "{text}");
    }
}
