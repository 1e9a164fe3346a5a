//! What stands behind a connection: Active Directory, or a file for demonstrations.
//!
//! **Invariant:** every back end answers with the three outcomes; the accepted one is a person whose state was judged.

use std::fmt::Debug;

use async_trait::async_trait;
use domain::account::{AccountName, Person};
use domain::outcome::{Unavailable, Verdict};
use postern_proto::directory::{Method, Who};

use crate::active_directory::pool::PoolState;
use crate::password::Password;

/// A directory of people.
#[async_trait]
pub trait Backend: Debug + Send + Sync + 'static {
    /// Finds the one live person that `who` stands for, who signs in, or signed in, by `method`.
    ///
    /// # Errors
    /// When it cannot be found out now.
    async fn resolve(&self, who: &Who, method: Method) -> Result<Verdict<Person>, Unavailable>;

    /// Finds the one live person of this name whose password this is. An unknown name and a wrong password get the same
    /// answer, after comparable work.
    ///
    /// # Errors
    /// When it cannot be found out now.
    async fn authenticate(
        &self,
        account: &AccountName,
        password: &Password,
    ) -> Result<Verdict<Person>, Unavailable>;

    /// How it is with its connections, if it has any.
    fn pool(&self) -> Option<PoolState> {
        None
    }
}
