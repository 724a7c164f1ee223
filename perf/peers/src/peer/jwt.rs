//! `jsonwebtoken`: a signature over one JSON object.

use anyhow::Context;
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use ron_auth_core::{Caveat, RequestCtx};

use super::{KID, Peer};
use crate::claims::{Claims, Handlers};

/// What a PKCS #8 private key of Ed25519 begins with; the seed follows (RFC 8410, section 7).
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

struct Jwt {
    header: Header,
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
    validation: Validation,
    request: &'static RequestCtx<'static>,
    handlers: Handlers,
}

pub(super) fn set_up_hs256(request: &'static RequestCtx<'static>, seed: [u8; 32]) -> anyhow::Result<Box<dyn Peer>> {
    set_up(request, Algorithm::HS256, EncodingKey::from_secret(&seed), DecodingKey::from_secret(&seed))
}

pub(super) fn set_up_eddsa(request: &'static RequestCtx<'static>, seed: [u8; 32]) -> anyhow::Result<Box<dyn Peer>> {
    let private = [PKCS8_ED25519.as_slice(), &seed].concat();
    let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    set_up(request, Algorithm::EdDSA, EncodingKey::from_ed_der(&private), DecodingKey::from_ed_der(&public))
}

fn set_up(
    request: &'static RequestCtx<'static>,
    algorithm: Algorithm,
    encoding_key: EncodingKey,
    decoding_key: DecodingKey,
) -> anyhow::Result<Box<dyn Peer>> {
    let header = Header { kid: Some(KID.to_owned()), ..Header::new(algorithm) };
    let mut validation = Validation::new(algorithm);
    validation.leeway = 0;
    validation.set_audience(&[request.known_audience().context("the request has no audience")?]);
    let handlers = Handlers::of_the_fixtures();
    Ok(Box::new(Jwt { header, encoding_key, decoding_key, validation, request, handlers }))
}

impl Peer for Jwt {
    fn mint(&self, caveats: &[Caveat]) -> anyhow::Result<String> {
        Ok(encode(&self.header, &Claims::of(caveats)?, &self.encoding_key)?)
    }

    fn accepts(&self, token: &str) -> bool {
        // Checks aud, and exp by the system's clock.
        decode::<Claims>(token, &self.decoding_key, &self.validation)
            .is_ok_and(|token| token.claims.hold(self.request, &self.handlers))
    }
}
