//! How a token is written and signed.

use super::{Draft, flaw::Flaw};
use crate::common::base64url;
use crate::interpreter::{Caveat, Token, TokenScope, chain, key_of};

impl Draft {
    pub fn text(&self) -> String {
        let text = base64url(&self.cbor());
        match &self.flaw {
            Flaw::Text(change) => change.applied_to(text),
            _ => text,
        }
    }

    pub fn cbor(&self) -> Vec<u8> {
        let Token { tid, kid, scope, caveats } = &self.token;
        let mut items = vec![text_item(tid), text_item(kid), scope_item(scope)];
        items.extend(caveats.iter().map(caveat_item));
        if let Flaw::SignedItem(item, change) = &self.flaw {
            let index = item.index(items.len());
            change.apply(&mut items[index]);
        }
        let (first, rest) = items.split_at(3);
        let steps: Vec<Vec<u8>> =
            std::iter::once([vec![0x83], first.concat()].concat()).chain(rest.iter().cloned()).collect();
        // Signed by anyone, where there is no key.
        let mut mac = chain(&key_of(tid, kid).unwrap_or_default(), &steps);
        if let Flaw::Mac(bit) = self.flaw {
            mac[usize::from(bit / 8)] ^= 1 << (bit % 8);
        }
        let announced = if let Flaw::Announced(count) = self.flaw { count } else { caveats.len() as u64 };
        let mut cbor = map_item(&[
            ("tid", items[0].clone()),
            ("kid", items[1].clone()),
            ("scope", items[2].clone()),
            ("caveats", [head(4, announced), rest.concat()].concat()),
            ("mac", [head(2, 32), mac.to_vec()].concat()),
        ]);
        if let Flaw::Cbor(change) = &self.flaw {
            change.apply(&mut cbor);
        }
        cbor
    }
}

fn scope_item(scope: &TokenScope) -> Vec<u8> {
    map_item(&[
        ("prefix", scope.prefix.as_ref().map_or(vec![0xf6], |prefix| text_item(prefix))),
        ("methods", texts_item(&scope.methods)),
        ("max_bytes", scope.max_bytes.map_or(vec![0xf6], |max_bytes| head(0, max_bytes))),
    ])
}

fn caveat_item(caveat: &Caveat) -> Vec<u8> {
    let (kind, value) = match caveat {
        Caveat::Exp(time) => ("Exp", head(0, *time)),
        Caveat::Nbf(time) => ("Nbf", head(0, *time)),
        Caveat::Aud(audience) => ("Aud", text_item(audience)),
        Caveat::Method(names) => ("Method", texts_item(names)),
        Caveat::PathPrefix(prefix) => ("PathPrefix", text_item(prefix)),
        Caveat::IpCidr(net) => ("IpCidr", text_item(net)),
        Caveat::BytesLe(bytes) => ("BytesLe", head(0, *bytes)),
        Caveat::Rate { per_s, burst } => {
            ("Rate", map_item(&[("per_s", head(0, (*per_s).into())), ("burst", head(0, (*burst).into()))]))
        }
        Caveat::Tenant(tenant) => ("Tenant", text_item(tenant)),
        Caveat::Amnesia(amnesia) => ("Amnesia", vec![if *amnesia { 0xf5 } else { 0xf4 }]),
        Caveat::GovPolicyDigest(digest) => ("GovPolicyDigest", text_item(digest)),
        Caveat::Custom { ns, name, cbor } => {
            ("Custom", map_item(&[("ns", text_item(ns)), ("name", text_item(name)), ("cbor", cbor.clone())]))
        }
    };
    map_item(&[("t", text_item(kind)), ("v", value)])
}

fn map_item(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items = entries.iter().flat_map(|(key, value)| [text_item(key), value.clone()].concat());
    head(5, entries.len() as u64).into_iter().chain(items).collect()
}

fn texts_item(texts: &[String]) -> Vec<u8> {
    head(4, texts.len() as u64).into_iter().chain(texts.iter().flat_map(|text| text_item(text))).collect()
}

fn text_item(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
}

fn head(major: u8, argument: u64) -> Vec<u8> {
    let (info, len) = match argument {
        0..24 => return vec![major << 5 | argument as u8],
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    [&[major << 5 | info][..], &argument.to_be_bytes()[8 - len..]].concat()
}
