//! What the peers' tokens say: the caveats of the fixture's own tokens, read out of one of them.

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ron_auth_core::Caveat;
use ron_auth_core::seam::Decode;
use ron_auth_fixtures::Fixture;
use ron_auth_variants::decode::CiboriumDecode;

/// Expiry of the first token, 2100-01-01; each next one's is a second later. Not the fixtures' expiry, which lies in
/// the past of the system's clock: `jsonwebtoken` reads that clock itself. It has as many digits.
pub const FIRST_EXP_UNIX_S: u64 = 4_102_444_800;
/// Long past by every clock.
const PAST_UNIX_S: u64 = 1_000_000_000;
/// Nets that all hold the peer of the `heavy` request, 10.1.2.3. The fixture's four share no address, so that three
/// of them deny: a peer that stops at the first condition that does not hold would be spared the rest.
const NETS_OF_THE_PEER: [&str; 4] = ["10.0.0.0/8", "10.0.0.0/12", "10.1.0.0/16", "10.1.2.0/24"];

/// The caveats of this fixture, in its order, with another expiry and with nets that hold the peer.
///
/// # Errors
/// The fixture's token cannot be decoded or has more nets than are known here.
pub fn of(fixture: Fixture, exp_unix_s: u64) -> anyhow::Result<Vec<Caveat>> {
    let corpus = fixture.corpus(1);
    let text = corpus.tokens.first().context("the fixture has no token")?;
    let cbor = BASE64_URL_SAFE_NO_PAD.decode(text).context("the fixture's token is not Base64URL")?;
    let decoded = CiboriumDecode
        .decode(&cbor, corpus.config.max_caveats, &mut ())
        .map_err(|error| anyhow::anyhow!("the fixture's token: {error}"))?;
    let mut nets = NETS_OF_THE_PEER.iter();
    let replaced = decoded.to_capability().caveats.into_iter().map(|caveat| {
        Ok(match caveat {
            Caveat::Exp(_) => Caveat::Exp(exp_unix_s),
            Caveat::IpCidr(_) => Caveat::IpCidr((*nets.next().context("the fixture has more than four nets")?).into()),
            other => other,
        })
    });
    replaced.collect()
}

/// The same caveats with one of them, each in its turn, changed so that it does not hold.
pub fn each_broken(caveats: &[Caveat]) -> impl Iterator<Item = (String, Vec<Caveat>)> {
    caveats.iter().enumerate().map(|(index, caveat)| {
        let mut caveats = caveats.to_vec();
        let broken = broken(caveat);
        let name = format!("{broken:?}");
        caveats[index] = broken;
        (name, caveats)
    })
}

fn broken(caveat: &Caveat) -> Caveat {
    match caveat {
        Caveat::Exp(_) => Caveat::Exp(PAST_UNIX_S),
        Caveat::Aud(_) => Caveat::Aud("another".into()),
        Caveat::Method(_) => Caveat::Method(vec!["LOCK".into()]),
        Caveat::PathPrefix(_) => Caveat::PathPrefix("/another/".into()),
        Caveat::IpCidr(_) => Caveat::IpCidr("192.0.2.0/24".into()),
        Caveat::BytesLe(_) => Caveat::BytesLe(1),
        Caveat::Tenant(_) => Caveat::Tenant("another".into()),
        Caveat::Amnesia(amnesia) => Caveat::Amnesia(!amnesia),
        Caveat::Custom { name, cbor, .. } => {
            Caveat::Custom { ns: "another".into(), name: name.clone(), cbor: cbor.clone() }
        }
        // In neither fixture; unchanged, so that a peer that accepts it fails its check.
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_are_as_many_as_the_fixture_has_caveats() {
        for (fixture, count) in [(Fixture::Light, 5), (Fixture::Heavy, 20)] {
            let caveats = of(fixture, FIRST_EXP_UNIX_S).unwrap();
            assert_eq!(caveats.len(), count, "{fixture}");
            assert!(caveats.contains(&Caveat::Exp(FIRST_EXP_UNIX_S)));
            for (name, broken) in each_broken(&caveats) {
                let changed = caveats.iter().zip(&broken).filter(|(a, b)| a != b).count();
                assert_eq!(changed, 1, "{fixture}: {name}");
            }
        }
    }
}
