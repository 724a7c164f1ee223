//! Services that are known by a secret, which they present as `Authorization: Bearer SECRET`.

use std::fs;
use std::path::Path;

use axum::http::HeaderMap;

use crate::config::Impossible;
use crate::request::Bearer;

/// An account, as a service's settings have it.
pub trait Account {
    /// Its name, and where its secret is.
    fn credentials(&self) -> Credentials<'_>;
}

/// The name of an account, and its secret: by a file or by its digest.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// Name, in metrics and logs.
    pub name: &'a str,
    /// File whose first line is the secret.
    pub token_file: Option<&'a Path>,
    /// BLAKE3 digest of the secret in 64 hexadecimal digits.
    pub token_blake3: Option<&'a str>,
}

/// Who the bearer of a secret is. Secrets are kept as digests, which are compared in constant time.
pub struct Accounts<T>(Vec<(blake3::Hash, T)>);

/// An account whose secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {name}: {reason}")]
pub struct BadAccount {
    setting: &'static str,
    name: String,
    reason: String,
}

const EXPECTED: &str = "expected a secret of at least 16 printable characters without spaces in the first line";

impl<T: Account + Clone> Accounts<T> {
    /// Takes the accounts of `setting`, such as `authzen.accounts`, and reads the files that they name.
    ///
    /// # Errors
    /// A file that cannot be read or holds no secret, or a digest that is none.
    pub fn new(setting: &'static str, accounts: &[T]) -> Result<Self, BadAccount> {
        let known = |account: &T| {
            let credentials = account.credentials();
            let bad = |reason| BadAccount { setting, name: credentials.name.to_owned(), reason };
            Ok((digest(&credentials).map_err(bad)?, account.clone()))
        };
        accounts.iter().map(known).collect::<Result<_, _>>().map(Self)
    }

    /// What can be said of accounts without looking at their files.
    ///
    /// # Errors
    /// A name that is empty or there twice; a secret that is named in no way or in both.
    pub fn check(setting: &'static str, accounts: &[T]) -> Result<(), Impossible> {
        for (at, account) in accounts.iter().enumerate() {
            let Credentials { name, token_file, token_blake3 } = account.credentials();
            let wrong = |reason: &str| Err(Impossible::new(setting, format!("account {}: {reason}", at + 1)));
            if name.is_empty() || accounts.iter().take(at).any(|other| other.credentials().name == name) {
                return wrong("expected a name of its own");
            }
            if token_file.is_some() == token_blake3.is_some() {
                return wrong("expected token_file or token_blake3, and not both");
            }
        }
        Ok(())
    }
}

impl<T> Accounts<T> {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The account whose secret is presented. Takes the same time for each, and for none.
    #[must_use]
    pub fn bearer(&self, headers: &HeaderMap) -> Option<&T> {
        let Bearer::One(secret) = Bearer::of(headers) else { return None };
        let presented = blake3::hash(secret);
        let mut found = None;
        for (digest, account) in &self.0 {
            // The equality of digests is that of constant time.
            if *digest == presented {
                found = Some(account);
            }
        }
        found
    }
}

fn digest(credentials: &Credentials<'_>) -> Result<blake3::Hash, String> {
    if let Some(text) = credentials.token_blake3 {
        return blake3::Hash::from_hex(text.trim())
            .map_err(|_| "token_blake3: expected 64 hexadecimal digits".to_owned());
    }
    let path = credentials.token_file.unwrap_or(Path::new(""));
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let secret = text.lines().next().unwrap_or_default().trim_end();
    if secret.len() < 16 || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("{}: {EXPECTED}", path.display()));
    }
    Ok(blake3::hash(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    #[derive(Clone)]
    struct Named(&'static str, Option<String>);

    impl Account for Named {
        fn credentials(&self) -> Credentials<'_> {
            Credentials { name: self.0, token_file: None, token_blake3: self.1.as_deref() }
        }
    }

    fn of(name: &'static str, secret: &str) -> Named {
        Named(name, Some(blake3::hash(secret.as_bytes()).to_hex().to_string()))
    }

    #[test]
    fn a_secret_names_its_account_and_two_headers_name_nobody() {
        let accounts = Accounts::new("test.accounts", &[of("a", "first"), of("b", "second")]).unwrap();
        let known = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            accounts.bearer(&headers).map(|account| account.0)
        };
        assert_eq!((known(&["Bearer first"]), known(&["bearer second"])), (Some("a"), Some("b")));
        for nobody in [&[][..], &["Bearer third"], &["first"], &["Bearer first", "Bearer first"], &["Bearer "]] {
            assert_eq!(known(nobody), None, "{nobody:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_told_with_its_setting() {
        let told = |accounts: &[Named]| Accounts::check("test.accounts", accounts).unwrap_err();
        let wrong = |account, reason| Impossible::new("test.accounts", format!("account {account}: expected {reason}"));
        assert_eq!(told(&[of("a", "x"), of("a", "y")]), wrong(2, "a name of its own"));
        assert_eq!(told(&[of("a", "x"), of("", "y")]), wrong(2, "a name of its own"));
        assert_eq!(told(&[Named("a", None)]), wrong(1, "token_file or token_blake3, and not both"));
        let bad = Accounts::new("test.accounts", &[Named("a", Some("5".into()))]).err().unwrap();
        assert_eq!(bad.to_string(), "test.accounts: a: token_blake3: expected 64 hexadecimal digits");
    }
}
