//! The OpenAPI document, with the routes that there are.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use serde_json::Value;

use super::{Route, StartError};

/// Where the document is.
pub(super) const PATH: &str = "/openapi.json";

/// The route that answers with `document`, without those of its paths that `routes` lack.
pub(super) fn route(document: &str, routes: &[Route]) -> Result<Route, StartError> {
    let wrong = |error: serde_json::Error| StartError::Route {
        path: PATH.to_owned(),
        reason: format!("expected the document to be JSON: {error}"),
    };
    let templates = routes.iter().map(|route| route.path.as_str()).chain([PATH]);
    let body = Bytes::from(with_paths(document, templates).map_err(wrong)?);
    let answer = move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/json")], body) }
    };
    Ok(Route::new(PATH, get(answer)))
}

fn with_paths<'a>(document: &str, templates: impl Iterator<Item = &'a str>) -> serde_json::Result<Vec<u8>> {
    // OpenAPI does not tell a parameter of several segments from one of a single segment.
    let templates: HashSet<_> = templates.map(|template| template.replace("{*", "{")).collect();
    let mut document: Value = serde_json::from_str(document)?;
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.retain(|path, _| templates.contains(path));
    }
    serde_json::to_vec(&document)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_without_a_route_are_dropped_and_nothing_else() {
        let document = json!({"openapi": "3.1.0", "paths": {"/a": {"get": {}}, "/b": {}, "/c/{rest}": {}}});
        let kept = with_paths(&document.to_string(), ["/a", "/c/{*rest}", "/d"].into_iter()).unwrap();
        let expected = json!({"openapi": "3.1.0", "paths": {"/a": {"get": {}}, "/c/{rest}": {}}});
        assert_eq!(serde_json::from_slice::<Value>(&kept).unwrap(), expected);
    }

    #[test]
    fn a_document_that_is_no_json_is_told() {
        let error = route("{", &[]).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("route /openapi.json: expected the document to be JSON"), "{error}");
    }
}
