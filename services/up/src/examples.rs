//! Requests to try: lines for a shell, of which each works by itself, as often and as late as one likes.

use std::path::Path;

use crate::settings::TENANT;

/// The audience of what they present.
pub(crate) const AUDIENCE: &str = "ron-auth";

/// A request to try.
pub(crate) struct Example {
    /// What it asks, and what is answered.
    pub(crate) title: &'static str,
    /// A line for a shell with curl.
    pub(crate) command: String,
}

/// Five requests that the demo policy has answers for.
pub(crate) fn examples(passport: &str, auth: &str, minter_secret: &Path) -> [Example; 5] {
    let json = "-H 'content-type: application/json'";
    // The envelope ends, so that it is made where it is used.
    let claims = format!(r#"{{"sub":"alice","aud":"{AUDIENCE}","roles":["reader"],"exp":'$(($(date +%s)+600))'}}"#);
    let issue = format!("curl -sS {passport}/v1/passport/issue {json} -d '{claims}'");
    let ask = |resource: &str| {
        let question = format!(r#"{{"envelope":'"$({issue})"',"action":"read","resource":"{resource}"}}"#);
        format!("curl -sS {auth}/v1/auth/authorize {json} -d '{question}'; echo")
    };
    let scope = r#"{"prefix":"/docs/","methods":["GET"],"max_bytes":null}"#;
    let order = format!(r#"{{"tenant":"{TENANT}","scope":{scope},"caveats":[{{"aud":"{AUDIENCE}"}}]}}"#);
    let secret = shell_quoted(&minter_secret.display().to_string());
    let bearer = format!(r#"-H "authorization: Bearer $(cat {secret})""#);
    let mint = format!("curl -sS {passport}/v1/passport/capability {bearer} {json} -d '{order}' | cut -d '\"' -f 4");
    let of_envelope = format!(r#"{{"envelope":'"$({issue})"',"action":"read","resource":"docs/plan"}}"#);
    let of_token = format!(r#"{{"token":"'"$({mint})"'","action":"GET","resource":"/docs/plan"}}"#);
    let batch = format!("[{of_envelope},{of_token}]");
    let example = |title, command| Example { title, command };
    [
        example("An envelope for alice, a reader, good for ten minutes:", format!("{issue}; echo")),
        example("Who is it? alice:", format!("{issue} | curl -sS {auth}/v1/auth/whoami {json} -d @-; echo")),
        example("May she read docs/plan? Permit:", ask("docs/plan")),
        example("And docs/sealed/plan? Deny:", ask("docs/sealed/plan")),
        example(
            "Two questions at once, her envelope and a capability token that is minted for it; Permit and Permit:",
            format!("curl -sS {auth}/v1/auth/authorize_batch {json} -d '{batch}'; echo"),
        ),
    ]
}

/// The text as one word of a shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
