//! Check first, time second: nothing is timed before it has accepted what is good and refused what is not.

use ron_auth_core::{AuthError, Caveat, Decision};

use crate::peer::Peer;
use crate::terms;

/// Characters at the end of a text that are left as they are: the last ones of a Base64 text may stand for no bit at
/// all, or be padding.
const UNTOUCHED_AT_THE_END: usize = 3;

/// What every process proves before it is timed: every token is accepted, and one of another key is refused.
///
/// # Errors
/// What went wrong, in a sentence.
pub fn keys(peer: &dyn Peer, of_another_key: &dyn Peer, caveats: &[Caveat], tokens: &[String]) -> Result<(), String> {
    if let Some(index) = tokens.iter().position(|token| !peer.accepts(token)) {
        return Err(format!("refuses its own good token {index}"));
    }
    if peer.accepts(&minted(of_another_key, caveats)?) {
        return Err("accepts a token of another key".to_owned());
    }
    Ok(())
}

/// As [`keys`]; refused are also a token with any single condition changed so that it does not hold, and one with any
/// single character changed, if that changes what it says.
///
/// # Errors
/// What went wrong, in a sentence.
pub fn peer(peer: &dyn Peer, of_another_key: &dyn Peer, caveats: &[Caveat], tokens: &[String]) -> Result<(), String> {
    keys(peer, of_another_key, caveats, tokens)?;
    for (what, caveats) in terms::each_broken(caveats) {
        if peer.accepts(&minted(peer, &caveats)?) {
            return Err(format!("accepts a token with {what}, which does not hold"));
        }
    }
    let first = tokens.first().ok_or("has no token")?;
    let accepted = |tampered: &str| peer.accepts(tampered) && !peer.says_the_same(first, tampered);
    match tampered(first).find(|(_, token)| accepted(token)) {
        Some((index, _)) => Err(format!("accepts a token with character {index} changed")),
        None => Ok(()),
    }
}

fn minted(peer: &dyn Peer, caveats: &[Caveat]) -> Result<String, String> {
    peer.mint(caveats).map_err(|error| format!("does not mint a token that is to be refused: {error:#}"))
}

/// Every token comes to what it was made to come to.
///
/// # Errors
/// What went wrong, in a sentence.
pub fn decisions(
    verify: &dyn Fn(&str) -> Result<Decision, AuthError>,
    tokens: &[String],
    intended: &[Result<Decision, AuthError>],
) -> Result<(), String> {
    for (index, (token, intended)) in tokens.iter().zip(intended).enumerate() {
        let got = verify(token);
        if got != *intended {
            return Err(format!("token {index}: expected {intended:?}, got {got:?}"));
        }
    }
    Ok(())
}

/// As [`decisions`]; one with any single character changed is an error.
///
/// # Errors
/// What went wrong, in a sentence.
pub fn prod(
    verify: &dyn Fn(&str) -> Result<Decision, AuthError>,
    tokens: &[String],
    intended: &[Result<Decision, AuthError>],
) -> Result<(), String> {
    decisions(verify, tokens, intended)?;
    let first = tokens.first().ok_or("has no token")?;
    match tampered(first).find(|(_, token)| verify(token).is_ok()) {
        Some((index, _)) => Err(format!("accepts a token with character {index} changed")),
        None => Ok(()),
    }
}

/// The text with one character, each in its turn, replaced by another.
fn tampered(text: &str) -> impl Iterator<Item = (usize, String)> {
    (0..text.len().saturating_sub(UNTOUCHED_AT_THE_END)).map(|index| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        (index, String::from_utf8_lossy(&bytes).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts every token whose text it is told to.
    struct Careless(fn(&str) -> bool);

    impl Peer for Careless {
        fn mint(&self, _: &[Caveat]) -> anyhow::Result<String> {
            Ok("minted".to_owned())
        }

        fn accepts(&self, token: &str) -> bool {
            self.0(token)
        }
    }

    fn verdict(accepts: fn(&str) -> bool) -> Result<(), String> {
        let careless = Careless(accepts);
        peer(&careless, &careless, &[Caveat::Exp(1)], &["a good token".to_owned()])
    }

    #[test]
    fn a_peer_that_accepts_too_much_or_too_little_is_found_out() {
        assert_eq!(verdict(|token| token == "a good token"), Ok(()));
        assert!(verdict(|_| false).unwrap_err().contains("refuses its own good token 0"));
        assert!(verdict(|_| true).unwrap_err().contains("another key"));
        assert!(verdict(|token| token != "minted" && token.starts_with("a g")).unwrap_err().contains("character 3"));
    }
}
