//! The request of a corpus.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ron_auth_core::{Capability, Caveat};

use super::{JudgeInput, net_shape};
use crate::corpus::mint::family_of;
use crate::corpus::shape::{ConfigShape, Method, RequestShape, SemanticsShape, Width};

/// The shape of the request that is given.
pub(super) fn request_of(given: &JudgeInput) -> RequestShape {
    let JudgeInput { ctx, config, .. } = given;
    let is_strict = ConfigShape::of(config).semantics == SemanticsShape::Strict;
    RequestShape {
        now: Width::of(ctx.now_unix_s().saturating_sub(config.clock_skew_secs)),
        method: Method::of(ctx.method()),
        path_segment_bytes: ctx.path().split('/').map(str::len).collect(),
        tenant_bytes: ctx.tenant().len(),
        audience_bytes: ctx.known_audience().map(str::len),
        policy_digest_bytes: ctx.known_policy_digest().map(str::len),
        peer: ctx.known_peer_ip().map(|peer| family_of(if is_strict { peer.to_canonical() } else { peer })),
        content_len: ctx.known_content_len().map(Width::of),
    }
}

/// A request that as many as possible of these tokens can be for.
pub(super) fn meeting_most<'c>(capabilities: impl Iterator<Item = &'c Capability> + Clone) -> RequestShape {
    let caveats = || capabilities.clone().flat_map(|capability| &capability.caveats);
    let prefixes = capabilities.clone().filter_map(|capability| capability.scope.prefix.as_ref());
    let prefixes = prefixes.chain(caveats().filter_map(|caveat| match caveat {
        Caveat::PathPrefix(prefix) => Some(prefix),
        _ => None,
    }));
    // Of equals the first.
    let method = Method::STANDARD
        .into_iter()
        .rev()
        .max_by_key(|method| capabilities.clone().filter(|capability| permits_method(capability, method)).count());
    RequestShape {
        now: Width::OF_A_TIME,
        method: Method::of(method.unwrap_or("GET")),
        path_segment_bytes: path_below(prefixes.map(String::len).collect()),
        tenant_bytes: commonest(capabilities.clone().map(|capability| capability.tid.len())).unwrap_or_default(),
        audience_bytes: commonest(caveats().filter_map(|caveat| match caveat {
            Caveat::Aud(audience) => Some(audience.len()),
            _ => None,
        })),
        policy_digest_bytes: commonest(caveats().filter_map(|caveat| match caveat {
            Caveat::GovPolicyDigest(digest) => Some(digest.len()),
            _ => None,
        })),
        peer: commonest(caveats().filter_map(|caveat| match caveat {
            Caveat::IpCidr(net) => net_shape(net, true).family,
            _ => None,
        })),
        content_len: Some(Width::LEAST),
    }
}

fn permits_method(capability: &Capability, method: &str) -> bool {
    let has = |names: &[Cow<'_, str>]| names.iter().any(|name| name.eq_ignore_ascii_case(method));
    let all = |caveat: &Caveat| if let Caveat::Method(names) = caveat { has(names) } else { true };
    has(&capability.scope.methods) && capability.caveats.iter().all(all)
}

fn commonest<T: Ord>(things: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(thing, _)| thing)
}

/// Lengths of the segments of a path that has a prefix of each of these lengths, ending at the end of a segment.
fn path_below(mut prefix_bytes: Vec<usize>) -> Vec<usize> {
    prefix_bytes.sort_unstable();
    // A path has a `/` at the start, and never two of them in a row.
    let mut slashes = vec![0];
    for bytes in prefix_bytes {
        let last = slashes.last().copied().unwrap_or_default();
        if bytes > last + 1 {
            // The prefix ends with a `/`, as most do; or, just behind one, the path goes on with one.
            slashes.push(if bytes > last + 2 { bytes - 1 } else { bytes });
        }
    }
    let end = slashes.last().map_or(0, |last| last + 2);
    let starts = std::iter::once(0).chain(slashes.iter().map(|slash| slash + 1));
    starts.zip(slashes.iter().copied().chain([end])).map(|(start, end)| end - start).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::shape;

    #[test]
    fn a_path_has_prefixes_of_all_lengths_that_are_wanted() {
        for wanted in [vec![], vec![0], vec![1], vec![2, 3, 4, 5], vec![1, 4, 7, 15, 16, 18], (0..40).collect()] {
            let lengths = path_below(wanted.clone());
            let path = lengths.iter().map(|bytes| "x".repeat(*bytes)).collect::<Vec<_>>().join("/");
            assert!(path.starts_with('/') && !path.contains("//"), "{wanted:?}: {path}");
            for bytes in wanted {
                let (prefix, rest) = path.split_at(bytes);
                assert!(prefix.ends_with('/') || rest.starts_with('/') || rest.is_empty(), "{bytes}: {path}");
            }
        }
    }

    #[test]
    fn a_net_is_described_by_family_length_and_octets() {
        let net = net_shape("172.16.0.0/12", true);
        assert_eq!((net.text_bytes, net.family, net.prefix_len_up_to), (13, Some(shape::Family::V4), 16));
        let net = net_shape("2001:db8::/32", true);
        assert_eq!((net.family, net.prefix_len_up_to), (Some(shape::Family::V6), 32));
        assert_eq!(net_shape("localhost", false).family, None);
    }
}
