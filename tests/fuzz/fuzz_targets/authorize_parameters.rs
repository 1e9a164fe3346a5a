//! Any text as an authorization request: what is accepted goes to a registered address only, and with PKCE.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use domain::application::{Application, SigningAlgorithm};
use gateway::oidc::authorize_request::AuthorizeRequest;
use gateway::oidc::parameters::Parameters;
use gateway::oidc::return_address::ReturnAddress;
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
    let applications = BTreeMap::from([(client_id, application)]);
    if let Ok(request) = AuthorizeRequest::read(&parameters, &applications) {
        let registered = match &request.to {
            ReturnAddress::Redirect(uri) => uri == "https://app.example.com/callback",
            ReturnAddress::Message(origin) => origin.as_str() == "https://app.example.com",
        };
        assert!(registered, "{:?}", request.to);
    }
});
