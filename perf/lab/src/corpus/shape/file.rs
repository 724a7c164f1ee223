//! Corpus files: reading, checking, writing.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use fairbench::files::{read_json, write_whole};

use super::{CaveatShape, Method, Shape, TokenShape};

const EXPECTED: &str = "a corpus file as `perf-lab corpus import` writes it";
const FORMAT: u32 = 1;
/// Longest token that a file may describe, in bytes. No real one comes near; for longer ones the lab would run out of
/// memory.
const MAX_TOKEN_BYTES: usize = 1 << 24;
const MAX_TABLE_BYTES: usize = 1 << 28;
/// Most tokens that a corpus may stand for.
pub const MAX_TOKENS: usize = 1 << 24;

impl Shape {
    /// The version that is written and read.
    pub const FORMAT: u32 = FORMAT;

    /// Reads a corpus file.
    ///
    /// # Errors
    /// The errors of [`read_json`]; another format; numbers that refer to nothing.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shape: Self = read_json(path, EXPECTED)?;
        shape.check().with_context(|| path.display().to_string())?;
        Ok(shape)
    }

    /// Writes a corpus file, one shape of a token a line.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let head = serde_json::to_string(&Self { tokens: Vec::new(), ..self.clone() })?;
        let tokens: Vec<String> = self.tokens.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let Some(head) = head.strip_suffix("]}") else { bail!("could not write {}", path.display()) };
        write_whole(path, format!("{head}\n{}\n]}}\n", tokens.join(",\n")))
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.format == FORMAT, "format {} instead of {FORMAT}; expected {EXPECTED}", self.format);
        ensure!(!self.tokens.is_empty(), "it has no tokens; expected {EXPECTED}");
        ensure!(
            self.tokens
                .iter()
                .try_fold(0_usize, |sum, token| sum.checked_add(token.count))
                .is_some_and(|sum| { (1..=MAX_TOKENS).contains(&sum) }),
            "the counts add up to nothing, or to more than {MAX_TOKENS}; expected {EXPECTED}"
        );
        let request = &self.request;
        let mut bytes = vec![request.tenant_bytes, check_method(&request.method)?];
        bytes.extend(&request.path_segment_bytes);
        bytes.extend(request.audience_bytes.into_iter().chain(request.policy_digest_bytes));
        bytes.extend(self.nets.iter().map(|net| net.text_bytes));
        bytes.extend(self.namespaces.iter().map(|namespace| namespace.ns_bytes));
        bytes.extend(self.keys.iter().map(|key| key.kid_bytes));
        bytes.extend(self.tenants.iter().map(|tenant| tenant.tid_bytes));
        check_sum(&bytes, MAX_TABLE_BYTES, "the request and the tables together")?;
        for (number, key) in self.keys.iter().enumerate() {
            ensure!(key.tenant < self.tenants.len(), "key {number} belongs to a tenant that is not listed");
        }
        for (number, token) in self.tokens.iter().enumerate() {
            self.check_token(token).with_context(|| format!("shape {number} of `tokens`"))?;
        }
        Ok(())
    }

    fn check_token(&self, token: &TokenShape) -> anyhow::Result<()> {
        let Some(key) = self.keys.get(token.key) else { bail!("its key is not listed") };
        let mut bytes = vec![key.kid_bytes, self.tenants.get(key.tenant).map_or(0, |tenant| tenant.tid_bytes)];
        bytes.extend(token.scope.prefix_bytes.as_ref().map(|prefix| prefix.is));
        let methods = |names: &[Method]| names.iter().map(check_method).collect::<anyhow::Result<Vec<usize>>>();
        bytes.extend(methods(&token.scope.methods.is)?);
        for caveat in &token.caveats {
            match &caveat.is {
                CaveatShape::Aud(text)
                | CaveatShape::PathPrefix(text)
                | CaveatShape::Tenant(text)
                | CaveatShape::GovPolicyDigest(text) => {
                    bytes.push(*text);
                }
                CaveatShape::Method(names) => bytes.extend(methods(names)?),
                CaveatShape::IpCidr(net) => {
                    let Some(net) = self.nets.get(*net) else { bail!("its net is not listed") };
                    bytes.push(net.text_bytes);
                }
                CaveatShape::Custom { namespace, name_bytes, cbor_bytes } => {
                    let Some(namespace) = self.namespaces.get(*namespace) else { bail!("its namespace is not listed") };
                    ensure!(*cbor_bytes > 0, "a custom caveat has a value: at least 1 byte of CBOR");
                    bytes.extend([namespace.ns_bytes, *name_bytes, *cbor_bytes]);
                }
                CaveatShape::Rate { per_s, burst } => {
                    let wide = |width| u8::from(width) > 5;
                    ensure!(!wide(*per_s) && !wide(*burst), "a rate's numbers take at most 5 bytes of CBOR");
                }
                CaveatShape::Exp(_) | CaveatShape::Nbf(_) | CaveatShape::BytesLe(_) | CaveatShape::Amnesia => {}
            }
        }
        check_sum(&bytes, MAX_TOKEN_BYTES, "the texts of one token")
    }
}

fn check_sum(bytes: &[usize], most: usize, what: &str) -> anyhow::Result<()> {
    let sum = bytes.iter().try_fold(0_usize, |sum, bytes| sum.checked_add(*bytes));
    ensure!(sum.is_some_and(|sum| sum <= most), "{what} are longer than {most} bytes");
    Ok(())
}

/// Length of the method in bytes.
fn check_method(method: &Method) -> anyhow::Result<usize> {
    match method {
        Method::Standard(name) => {
            ensure!(Method::is_standard(name), "{name:?} is not a standard method; expected its length");
            Ok(name.len())
        }
        Method::Bytes(bytes) => Ok(*bytes),
    }
}
