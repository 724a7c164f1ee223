//! A request as rules look at it.

use std::net::IpAddr;

use smallvec::SmallVec;

use super::symbols::{STRANGER, Symbol, Symbols};
use crate::bundle::Schema;
use crate::bundle::conditions::DAY_S;
use crate::decision::Field;
use crate::request::{MAX_LIST_VALUES, Request};

/// A text of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'r> {
    /// The request does not say.
    Unknown,
    /// The text, and its number.
    Known(&'r str, Symbol),
}

/// Names of a request that the bundle knows, sorted. A request's list is no longer than this holds without memory of
/// its own.
type Names = SmallVec<[Symbol; MAX_LIST_VALUES]>;

/// Room for the lists of a request: 3 KiB, which stay where they are.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    scopes: Names,
    roles: Names,
    tags: Names,
}

/// A request whose names were looked up.
#[derive(Debug)]
pub(crate) struct Facts<'r> {
    tenant: Text<'r>,
    subject: Text<'r>,
    action: Text<'r>,
    resource: Text<'r>,
    method: Text<'r>,
    region: Text<'r>,
    lists: &'r Lists,
    pub(crate) body_bytes: Option<u64>,
    pub(crate) now_unix_s: Option<u64>,
    pub(crate) peer: Option<PeerKey>,
}

impl<'r> Facts<'r> {
    /// Looks them up; `lists` is room for those of the request.
    #[inline]
    pub(crate) fn new(request: &Request<'r>, symbols: &Symbols, schema: Schema, lists: &'r mut Lists) -> Self {
        let text = |field, text: Option<&'r str>| match (text, schema) {
            (Some(text), _) => Text::Known(text, symbols.of(field, text)),
            // To deployed evaluators what is not said is "*", which no rule names.
            (None, Schema::Deployed) => Text::Known("*", STRANGER),
            (None, Schema::V2) => Text::Unknown,
        };
        let look_up = |names: &mut Names, field, list: &[&str]| {
            names.clear();
            names.extend(list.iter().map(|name| symbols.of(field, name)).filter(|&symbol| symbol != STRANGER));
            names.sort_unstable();
            names.dedup();
        };
        look_up(&mut lists.scopes, Field::Scopes, request.scopes);
        look_up(&mut lists.roles, Field::Roles, request.roles);
        look_up(&mut lists.tags, Field::Tags, request.tags);
        Self {
            tenant: text(Field::Tenant, request.tenant),
            subject: text(Field::Subject, request.subject),
            action: text(Field::Action, request.action),
            resource: text(Field::Resource, request.resource),
            method: text(Field::Method, request.method),
            region: text(Field::Region, request.region),
            lists,
            body_bytes: match schema {
                Schema::Deployed => Some(request.body_bytes.unwrap_or(0)),
                Schema::V2 => request.body_bytes,
            },
            now_unix_s: request.now_unix_s,
            peer: request.peer.map(PeerKey::new),
        }
    }

    pub(crate) const fn text(&self, field: Field) -> Text<'r> {
        match field {
            Field::Tenant => self.tenant,
            Field::Subject => self.subject,
            Field::Action => self.action,
            Field::Resource => self.resource,
            Field::Method => self.method,
            Field::Region => self.region,
            _ => Text::Unknown,
        }
    }

    pub(crate) fn names(&self, field: Field) -> &[Symbol] {
        match field {
            Field::Scopes => &self.lists.scopes,
            Field::Roles => &self.lists.roles,
            Field::Tags => &self.lists.tags,
            _ => &[],
        }
    }

    pub(crate) fn second_of_day(&self) -> Option<u64> {
        self.now_unix_s.map(|now| now % DAY_S)
    }
}

/// An address, as bytes of which networks are prefixes: a byte for the family, then the address. An IPv6 address that
/// holds an IPv4 address is that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerKey {
    bytes: [u8; 17],
    length: usize,
}

impl PeerKey {
    pub(crate) fn new(peer: IpAddr) -> Self {
        Self::of_net(peer.to_canonical())
    }

    /// The address of a network, or its last one: what it holds is not looked at, as ::/0 is not 0.0.0.0/0.
    pub(crate) fn of_net(address: IpAddr) -> Self {
        let mut bytes = [0; 17];
        let length = match address {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]] = [4, a, b, c, d];
                5
            }
            IpAddr::V6(v6) => {
                bytes[0] = 6;
                for (byte, octet) in bytes.iter_mut().skip(1).zip(v6.octets()) {
                    *byte = octet;
                }
                17
            }
        };
        Self { bytes, length }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
