//! Public profiles, in memory: lost at a restart, as where this is deployed.
//!
//! Left open by the contract and decided here: a subject with `:alt:` in it is an alternative passport and any other a
//! main one; a claim that is repeated answers what was claimed first; an optional value that is blank is none.

mod claim;
mod name;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ron_service::axum::http::StatusCode;
use serde::Serialize;

pub(crate) use claim::{Asked, Claim};
pub(crate) use name::username;

/// A profile as everybody may see it. Every field is always there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Profile {
    schema: &'static str,
    passport_subject: String,
    passport_kind: &'static str,
    username: String,
    handle: String,
    username_status: &'static str,
    display_name: Option<String>,
    bio: Option<String>,
    avatar_image: Option<String>,
    profile_crab_url: String,
    public_profile_cid: Option<String>,
    reputation_score: Option<u32>,
    moderator_score: Option<u32>,
    warnings: Vec<String>,
}

/// Why a profile is not claimed or not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProfileFault {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
    pub(crate) retryable: bool,
}

impl ProfileFault {
    const fn bad(code: &'static str, message: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message, retryable: false }
    }

    const fn taken(code: &'static str, message: &'static str) -> Self {
        Self { status: StatusCode::CONFLICT, code, message, retryable: false }
    }

    const NOT_FOUND: Self = Self {
        status: StatusCode::NOT_FOUND,
        code: "profile_not_found",
        message: "nobody has claimed this username",
        retryable: false,
    };

    /// Not in the contract, whose store grows without end.
    const FULL: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "store_full",
        message: "there are as many profiles as profiles.max_profiles",
        retryable: true,
    };
}

/// All profiles, up to a number of them.
pub(crate) struct Profiles {
    max_profiles: usize,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    by_username: HashMap<String, Arc<Profile>>,
    username_of: HashMap<String, String>,
}

impl Profiles {
    pub(crate) fn new(max_profiles: usize) -> Self {
        Self { max_profiles, all: Mutex::default() }
    }

    /// Gives a username to a subject that has none, if it is free.
    pub(crate) fn claim(&self, claim: Claim) -> Result<Arc<Profile>, ProfileFault> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(profile) = all.by_username.get(&claim.username) {
            let is_same = profile.passport_subject == claim.subject;
            let taken = ProfileFault::taken("username_unavailable", "another passport has this username");
            return if is_same { Ok(profile.clone()) } else { Err(taken) };
        }
        if all.username_of.contains_key(&claim.subject) {
            return Err(ProfileFault::taken("passport_already_has_username", "this passport has another username"));
        }
        if all.by_username.len() >= self.max_profiles {
            return Err(ProfileFault::FULL);
        }
        let profile = Arc::new(Profile::of(claim));
        all.username_of.insert(profile.passport_subject.clone(), profile.username.clone());
        all.by_username.insert(profile.username.clone(), profile.clone());
        Ok(profile)
    }

    /// The profile of a username in its plain form.
    pub(crate) fn of(&self, username: &str) -> Result<Arc<Profile>, ProfileFault> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.by_username.get(username).cloned().ok_or(ProfileFault::NOT_FOUND)
    }
}

impl Profile {
    fn of(claim: Claim) -> Self {
        Self {
            schema: "svc-passport.public-profile.v1",
            passport_kind: if claim.subject.contains(":alt:") { "alt" } else { "main" },
            passport_subject: claim.subject,
            handle: format!("@{}", claim.username),
            username_status: "confirmed",
            display_name: claim.display_name,
            bio: claim.bio,
            avatar_image: claim.avatar_image,
            profile_crab_url: format!("crab://@{}", claim.username),
            username: claim.username,
            public_profile_cid: None,
            reputation_score: None,
            moderator_score: None,
            warnings: Vec::new(),
        }
    }
}
