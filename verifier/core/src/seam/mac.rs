use crate::chain::Tag;
use crate::key::MacKey;
use crate::view::TokenView;

/// Token to tag: the MAC chain of [the wire format](crate::specification::wire_v1#mac).
pub trait Mac: Send + Sync + 'static {
    /// The last tag of one token's chain.
    fn tag<'a, V: TokenView<'a>>(&self, key: &MacKey, token: V) -> Tag;

    /// The last tags of many tokens' chains. `job` gives the key and the token of each index, or `None` for a token
    /// that failed before; `tags` has one element for each index, each `None` to begin with, and those of failed tokens
    /// stay so. A tag that is still `None` afterwards was not computed and is equal to no token's MAC.
    fn tags<'a, V: TokenView<'a>>(&self, job: impl Fn(usize) -> Option<(&'a MacKey, V)>, tags: &mut [Option<Tag>]) {
        for (index, tag) in tags.iter_mut().enumerate() {
            if let Some((key, token)) = job(index) {
                *tag = Some(self.tag(key, token));
            }
        }
    }
}
