//! `pasetors`, `v4.local`: an encrypted JSON object.
//!
//! Through the crate's lower interface, which leaves the claims to us. Its higher one also wants `iat` and `nbf`, and
//! reads all times as RFC 3339 text: more work than the other peers do.

use ron_auth_core::{Caveat, RequestCtx};

use pasetors::Local;
use pasetors::keys::SymmetricKey;
use pasetors::token::UntrustedToken;
use pasetors::version4::{LocalToken, V4};

use super::{KID, Peer};
use crate::claims::{Claims, Handlers};

struct Paseto {
    key: SymmetricKey<V4>,
    footer: Vec<u8>,
    request: &'static RequestCtx<'static>,
    handlers: Handlers,
}

pub(super) fn set_up(request: &'static RequestCtx<'static>, seed: [u8; 32]) -> anyhow::Result<Box<dyn Peer>> {
    let footer = serde_json::to_vec(&serde_json::json!({ "kid": KID }))?;
    Ok(Box::new(Paseto { key: SymmetricKey::from(&seed)?, footer, request, handlers: Handlers::of_the_fixtures() }))
}

impl Paseto {
    fn claims(&self, token: &str) -> Option<Claims> {
        let token = UntrustedToken::<Local, V4>::try_from(token).ok()?;
        let token = LocalToken::decrypt(&self.key, &token, Some(&self.footer), None).ok()?;
        serde_json::from_str(token.payload()).ok()
    }
}

impl Peer for Paseto {
    fn mint(&self, caveats: &[Caveat]) -> anyhow::Result<String> {
        let claims = serde_json::to_vec(&Claims::of(caveats)?)?;
        Ok(LocalToken::encrypt(&self.key, &claims, Some(&self.footer), None)?)
    }

    fn accepts(&self, token: &str) -> bool {
        self.claims(token).is_some_and(|claims| {
            claims.audience_and_expiry_hold(self.request) && claims.hold(self.request, &self.handlers)
        })
    }
}
