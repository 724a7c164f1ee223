//! `perf-lab token mint`: makes a token.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use fairbench::exit::{CommandResult, Exit, Failure};
use ron_auth_core::{CapabilityBuilder, Caveat, Rate, Scope};
use serde_json::json;

use super::print;
use super::token_given::{MintKey, clock_unix_s};
use super::token_json::TokenJson;
use crate::corpus::given::bytes_of_hex;
use crate::corpus::lines::read_input;

const EXPECTED: &str = "a token: tid, kid, scope with prefix, methods and max_bytes, caveats with t and v";

/// What is minted. Options win over what `--from` says; their caveats come after its own.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    key: MintKey,
    /// JSON file with a token, in the shape that `inspect --json` prints under "untrusted"; or - for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Tenant namespace
    #[arg(long, required_unless_present = "from")]
    tid: Option<String>,
    /// Key id
    #[arg(long, required_unless_present = "from")]
    kid: Option<String>,
    /// Path prefix of the scope [default: none, which grants every path]
    #[arg(long)]
    prefix: Option<String>,
    /// Methods of the scope; without any the scope grants none
    #[arg(long, value_name = "METHOD,…", value_delimiter = ',')]
    methods: Vec<String>,
    /// Longest request body that the scope grants [default: no limit]
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// A caveat, in token order; may be given many times: Exp=1762700600 or Exp=+600 (from now), Nbf=…, Aud=…,
    /// Method=GET,HEAD, PathPrefix=…, IpCidr=…, BytesLe=…, Rate=PER_S/BURST, Tenant=…, Amnesia=true,
    /// GovPolicyDigest=…, Custom=NS/NAME/CBOR (in hex)
    #[arg(long = "caveat", value_name = "KIND=VALUE", verbatim_doc_comment)]
    caveats: Vec<String>,
    /// The time that Exp=+… and Nbf=+… count from, in seconds since the Unix epoch [default: this machine's clock]
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> CommandResult {
    let now_unix_s = args.now.unwrap_or_else(clock_unix_s);
    let added: Vec<Caveat> =
        args.caveats.iter().map(|written| caveat(written, now_unix_s)).collect::<Result<_, Failure>>()?;
    let key = args.key.key()?;
    let from = args.from.as_deref().map(read_token).transpose()?.unwrap_or_default();
    let needed = |option: &Option<String>, from: Option<String>, name: &str| {
        option
            .clone()
            .or(from)
            .ok_or_else(|| Failure::usage(format!("{name} is missing; give it by --{name} or in the file of --from")))
    };
    let tid = needed(&args.tid, from.tid, "tid")?;
    let kid = needed(&args.kid, from.kid, "kid")?;
    let mut scope = from.scope.map(Scope::from).unwrap_or_default();
    scope.prefix = args.prefix.clone().or(scope.prefix);
    scope.max_bytes = args.max_bytes.or(scope.max_bytes);
    if !args.methods.is_empty() {
        scope.methods = args.methods.iter().cloned().map(Into::into).collect();
    }
    let capability = CapabilityBuilder::new(tid, kid, scope)
        .caveats(from.caveats.into_iter().map(Into::into))
        .caveats(added)
        .sign(&key)
        .map_err(Failure::could_not)?;
    let token = capability.to_base64url();
    if args.json {
        let cbor_bytes = capability.to_cbor().len();
        print(format_args!("{:#}", json!({ "token": token, "text_chars": token.len(), "cbor_bytes": cbor_bytes })));
    } else {
        print(token);
    }
    Ok(Exit::Success)
}

fn read_token(path: &std::path::Path) -> anyhow::Result<TokenJson> {
    let bytes = read_input(path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let message = error.to_string();
        let what = message.split(" at line ").next().unwrap_or(&message);
        anyhow::anyhow!("{}:{}: {what}; expected {EXPECTED}", path.display(), error.line())
    })
}

/// Reads a caveat of the form `KIND=VALUE`.
fn caveat(written: &str, now_unix_s: u64) -> Result<Caveat, Failure> {
    let bad = |expected: &str| Failure::usage(format!("--caveat {written:?}: expected {expected}"));
    let (kind, value) = written.split_once('=').ok_or_else(|| bad("KIND=VALUE"))?;
    let time = || {
        let (from, digits) = value.strip_prefix('+').map_or((0, value), |digits| (now_unix_s, digits));
        let seconds = digits.parse::<u64>().ok().filter(|_| !digits.starts_with('+'));
        seconds
            .and_then(|seconds| seconds.checked_add(from))
            .ok_or_else(|| bad("seconds since 1970, or +SECONDS from now"))
    };
    let text = value.to_owned();
    Ok(match kind {
        "Exp" => Caveat::Exp(time()?),
        "Nbf" => Caveat::Nbf(time()?),
        "Aud" => Caveat::Aud(text),
        "Method" if value.is_empty() => Caveat::Method(Vec::new()),
        "Method" => Caveat::methods(value.split(',').map(str::to_owned)),
        "PathPrefix" => Caveat::PathPrefix(text),
        "IpCidr" => Caveat::IpCidr(text),
        "BytesLe" => Caveat::BytesLe(value.parse().map_err(|_| bad("a number of bytes"))?),
        "Rate" => {
            let rate =
                value.split_once('/').and_then(|(per_s, burst)| Some((per_s.parse().ok()?, burst.parse().ok()?)));
            let (per_s, burst) = rate.ok_or_else(|| bad("PER_S/BURST, two numbers below 2^32"))?;
            Caveat::Rate(Rate { per_s, burst })
        }
        "Tenant" => Caveat::Tenant(text),
        "Amnesia" => Caveat::Amnesia(value.parse().map_err(|_| bad("true or false"))?),
        "GovPolicyDigest" => Caveat::GovPolicyDigest(text),
        "Custom" => {
            // The last slash: a name may have some, hex digits have none.
            let parts = value.rsplit_once('/').and_then(|(name, digits)| {
                let (ns, name) = name.split_once('/')?;
                Some((ns.to_owned(), name.to_owned(), bytes_of_hex(digits)?))
            });
            let (ns, name, cbor) = parts.ok_or_else(|| bad("NS/NAME/CBOR, the last in hex digits"))?;
            Caveat::Custom { ns, name, cbor }
        }
        _ => {
            return Err(bad("as KIND one of Exp, Nbf, Aud, Method, PathPrefix, IpCidr, BytesLe, Rate, Tenant, \
                            Amnesia, GovPolicyDigest, Custom"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caveats_are_read_as_they_are_written() {
        let custom = Caveat::Custom { ns: "n".into(), name: "a/b".into(), cbor: vec![0xf5] };
        for (written, expected) in [
            ("Exp=1762700600", Caveat::Exp(1_762_700_600)),
            ("Exp=+600", Caveat::Exp(1600)),
            ("Nbf=0", Caveat::Nbf(0)),
            ("Aud=a=b", Caveat::Aud("a=b".into())),
            ("Method=GET,HEAD", Caveat::methods(["GET", "HEAD"])),
            ("Method=", Caveat::Method(Vec::new())),
            ("PathPrefix=", Caveat::PathPrefix(String::new())),
            ("IpCidr=10.0.0.0/8", Caveat::IpCidr("10.0.0.0/8".into())),
            ("BytesLe=18446744073709551615", Caveat::BytesLe(u64::MAX)),
            ("Rate=5/10", Caveat::Rate(Rate { per_s: 5, burst: 10 })),
            ("Tenant=acme", Caveat::Tenant("acme".into())),
            ("Amnesia=false", Caveat::Amnesia(false)),
            ("GovPolicyDigest=b3:9f", Caveat::GovPolicyDigest("b3:9f".into())),
            ("Custom=n/a/b/f5", custom),
        ] {
            assert_eq!(caveat(written, 1000).unwrap(), expected, "{written}");
        }
        for written in [
            "Exp",
            "exp=1",
            "Exp=",
            "Exp=-1",
            "Exp=++1",
            "Exp=+18446744073709551615",
            "Exp=soon",
            "BytesLe=1k",
            "Rate=5",
            "Rate=5/4294967296",
            "Amnesia=yes",
            "Custom=n/f5",
            "Custom=n/a/f",
            "Custom=n/a/zz",
            "=1",
            "",
        ] {
            let failure = caveat(written, 1000).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage, "{written}");
            assert!(failure.to_string().starts_with(&format!("--caveat {written:?}: expected ")), "{failure}");
        }
    }
}
