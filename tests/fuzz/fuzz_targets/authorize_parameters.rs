//! Any text as an authorization request: every answer, code or error, goes to a registered address only.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use domain::application::{Application, SigningAlgorithm};
use gateway::oidc::authorize_request::{AuthorizeError, AuthorizeRequest};
use gateway::oidc::parameters::Parameters;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(parameters) = Parameters::parse(input) else {
        return;
    };
    let client_id: domain::application::ClientId = "app".parse().expect("a client id");
    let application = Application {
        client_id: client_id.clone(),
        name: "App".to_owned(),
        secret: None,
        redirect_uris: BTreeSet::from(["https://app.example.com/callback".to_owned()]),
        post_logout_redirect_uris: BTreeSet::new(),
        origins: BTreeSet::from(["https://app.example.com".parse().expect("an origin")]),
        connections: BTreeSet::from(["FabrikamAD".parse().expect("a connection")]),
        id_token_algorithm: SigningAlgorithm::ES256,
    };
    let applications = BTreeMap::from([(client_id, application.clone())]);
    let to = match AuthorizeRequest::read(&parameters, &applications) {
        Ok(request) => request.to,
        Err(AuthorizeError::Answer(answer)) => answer.to,
        Err(AuthorizeError::Page(_)) => return,
    };
    assert!(to.is_registered(&application), "{to:?}");
});
