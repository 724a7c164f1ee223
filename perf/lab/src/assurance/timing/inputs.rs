use anyhow::Context;
use base64_simd::URL_SAFE_NO_PAD;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use ron_auth_core::{CapabilityBuilder, Caveat, MacKey, Scope};

use super::Secret;

/// Tokens of one kind, a key, and what the leaky comparison reads: the MAC of each token and the right one.
#[derive(Clone)]
pub(super) struct Inputs {
    pub texts: Vec<String>,
    pub key: MacKey,
    pub macs: Vec<[u8; 32]>,
    pub right: Vec<[u8; 32]>,
}

/// Inputs of the kind that the secret makes, and of the other kind. No MAC of either is wholly right.
pub(super) fn inputs(secret: Secret, batch: usize, rng: &mut ChaCha8Rng) -> anyhow::Result<[Inputs; 2]> {
    let tokens: Vec<Token> = (0..batch).map(|_| Token::draw(rng)).collect::<anyhow::Result<_>>()?;
    let [right_bytes, of_key] = match secret {
        Secret::RightMacBytes(bytes) => [bytes, 0],
        Secret::Leak => [31, 0],
        _ => [0, 0],
    };
    let key = |secret: Secret, rng: &mut ChaCha8Rng| match secret {
        Secret::KeyOfOneBit => MacKey::new(std::array::from_fn(|index| u8::from(index == 0))),
        Secret::KeyOfAllBits => MacKey::new([0xff; 32]),
        _ => MacKey::new(rng.random()),
    };
    // Where the MAC is what differs, both kinds have the key that it is right under.
    let keys = match secret {
        Secret::KeyOfOneBit | Secret::KeyOfAllBits => [key(secret, rng), key(Secret::Nothing, rng)],
        _ => [signing_key(), signing_key()],
    };
    let [first, second] = keys;
    Ok([Inputs::of(&tokens, right_bytes, first, rng), Inputs::of(&tokens, of_key, second, rng)])
}

fn signing_key() -> MacKey {
    MacKey::new([7; 32])
}

/// A token of the shape of `light`, and its right MAC.
struct Token {
    cbor: Vec<u8>,
    right: [u8; 32],
}

impl Token {
    fn draw(rng: &mut ChaCha8Rng) -> anyhow::Result<Self> {
        let caveats = [
            Caveat::Aud("aud-demo".into()),
            Caveat::PathPrefix("/index/".into()),
            Caveat::methods(["GET"]),
            Caveat::Tenant("test".into()),
            Caveat::Exp(u64::from(rng.random::<u32>()) + (1 << 32)),
        ];
        let builder = CapabilityBuilder::new("test", "k1", Scope::new("/index/", ["GET"])).caveats(caveats);
        let capability = builder.sign(&signing_key()).context("a token without custom caveats is signed")?;
        Ok(Self { cbor: capability.to_cbor(), right: capability.mac })
    }
}

impl Inputs {
    /// Each token with its first `right_bytes` bytes of the MAC right and every other one wrong.
    fn of(tokens: &[Token], right_bytes: usize, key: MacKey, rng: &mut ChaCha8Rng) -> Self {
        let mut inputs = Self { texts: Vec::new(), key, macs: Vec::new(), right: Vec::new() };
        for Token { cbor, right } in tokens {
            let mut mac = *right;
            for byte in mac.iter_mut().skip(right_bytes) {
                *byte ^= rng.random_range(1..=255_u8);
            }
            let mut cbor = cbor.clone();
            cbor.truncate(cbor.len() - mac.len());
            cbor.extend(mac);
            inputs.texts.push(URL_SAFE_NO_PAD.encode_to_string(cbor));
            inputs.macs.push(mac);
            inputs.right.push(*right);
        }
        inputs
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn kinds_differ_in_the_secret_and_in_nothing_else() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for secret in Secret::ASKED.into_iter().chain([Secret::Leak]) {
            let [first, second] = inputs(secret, 8, &mut rng).unwrap();
            let right_bytes = match secret {
                Secret::RightMacBytes(bytes) => bytes,
                Secret::Leak => 31,
                _ => 0,
            };
            for (inputs, right_bytes) in [(&first, right_bytes), (&second, 0)] {
                for (mac, right) in inputs.macs.iter().zip(&inputs.right) {
                    let right: Vec<bool> = mac.iter().zip(right).map(|(mac, right)| mac == right).collect();
                    assert_eq!(right.iter().filter(|right| **right).count(), right_bytes, "{secret:?}");
                    assert!(right[..right_bytes].iter().all(|right| *right), "{secret:?}");
                }
            }
            for (first, second) in first.texts.iter().zip(&second.texts) {
                assert_eq!(first.len(), second.len(), "{secret:?}");
                // All but the last 44 characters, which hold the MAC.
                assert_eq!(first[..first.len() - 44], second[..second.len() - 44], "{secret:?}");
            }
            let of_key = matches!(secret, Secret::KeyOfOneBit | Secret::KeyOfAllBits);
            assert_eq!(first.key.as_bytes() != second.key.as_bytes(), of_key, "{secret:?}");
        }
    }
}
