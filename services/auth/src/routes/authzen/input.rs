//! What is asked in AuthZEN's words. Read in place; what is not known of it is ignored.

use serde::Deserialize;

use crate::input::{Context, Object, Text};

/// `POST /access/v1/evaluation`, or one of several.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Evaluation<'a> {
    #[serde(borrow)]
    pub(super) subject: Option<Object<Subject<'a>>>,
    #[serde(borrow)]
    pub(super) action: Option<Object<Action<'a>>>,
    #[serde(borrow)]
    pub(super) resource: Option<Object<Resource<'a>>>,
    #[serde(borrow)]
    pub(super) context: Option<Object<Context<'a>>>,
}

/// `POST /access/v1/evaluations`: several, and what those have in common that do not say otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Evaluations<'a> {
    #[serde(borrow)]
    pub(super) subject: Option<Object<Subject<'a>>>,
    #[serde(borrow)]
    pub(super) action: Option<Object<Action<'a>>>,
    #[serde(borrow)]
    pub(super) resource: Option<Object<Resource<'a>>>,
    #[serde(borrow)]
    pub(super) context: Option<Object<Context<'a>>>,
    #[serde(borrow)]
    pub(super) evaluations: Option<Vec<Object<Evaluation<'a>>>>,
    pub(super) options: Option<Object<Options>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    pub(super) evaluations_semantic: Semantic,
}

/// Which of several are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subject<'a> {
    #[serde(borrow)]
    pub(super) r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) properties: Option<Object<Properties<'a>>>,
}

/// What rules may ask of a subject beside its id.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Properties<'a> {
    #[serde(borrow)]
    pub(super) tenant: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) roles: Vec<Text<'a>>,
    #[serde(borrow)]
    pub(super) scopes: Vec<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Action<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    pub(super) r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
}

impl<'a> Evaluations<'a> {
    /// What is asked if there are not several.
    pub(super) fn alone(self) -> Evaluation<'a> {
        Evaluation { subject: self.subject, action: self.action, resource: self.resource, context: self.context }
    }
}

/// What is asked, with nothing missing.
pub(super) struct Asked<'q, 'a> {
    pub(super) subject_type: &'q str,
    pub(super) subject_id: &'q str,
    pub(super) properties: Option<&'q Properties<'a>>,
    pub(super) action: &'q str,
    pub(super) resource_type: &'q str,
    pub(super) resource_id: &'q str,
    pub(super) context: Option<&'q Context<'a>>,
}

impl<'a> Evaluation<'a> {
    /// The question, with `common` for what it does not say.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn asked<'q>(&'q self, common: Option<&'q Evaluations<'a>>) -> Result<Asked<'q, 'a>, &'static str> {
        let subject = self.subject.as_ref().or_else(|| common?.subject.as_ref());
        let action = self.action.as_ref().or_else(|| common?.action.as_ref());
        let resource = self.resource.as_ref().or_else(|| common?.resource.as_ref());
        let context = self.context.as_ref().or_else(|| common?.context.as_ref());
        let (Some(Object(subject)), Some(Object(action)), Some(Object(resource))) = (subject, action, resource) else {
            return Err("expected subject, action and resource");
        };
        let (Some(subject_type), Some(subject_id)) = (text(&subject.r#type), text(&subject.id)) else {
            return Err("subject: expected the texts type and id");
        };
        let Some(action) = text(&action.name) else { return Err("action: expected the text name") };
        let (Some(resource_type), Some(resource_id)) = (text(&resource.r#type), text(&resource.id)) else {
            return Err("resource: expected the texts type and id");
        };
        Ok(Asked {
            subject_type,
            subject_id,
            properties: subject.properties.as_ref().map(|Object(properties)| properties),
            action,
            resource_type,
            resource_id,
            context: context.map(|Object(context)| context),
        })
    }
}

/// A text that is there and not empty.
fn text<'q>(field: &'q Option<Text<'_>>) -> Option<&'q str> {
    field.as_ref().map(|text| &*text.0).filter(|text| !text.is_empty())
}
