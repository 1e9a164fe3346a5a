use std::sync::Arc;

use domain::configuration::Configuration;
use domain::timestamp::Timestamp;
use runtime::random::SystemRandomness;

use super::{Grant, Invalid, Redemption};
use crate::oidc::authorize_request::AuthorizeRequest;
use crate::oidc::parameters::Parameters;
use crate::session::LiveSession;
use crate::testing::browser::authorize_url;
use crate::testing::{APP, CALLBACK, SERVER, START, VERIFIER, World, configuration, person};

fn code(world: &World) -> (String, crate::ids::SessionId) {
    let url = authorize_url(&[]);
    let parameters = Parameters::parse(url.split_once('?').unwrap().1.as_bytes()).unwrap();
    let request = AuthorizeRequest::read(&parameters, &configuration().applications).unwrap();
    let session = LiveSession::by_password(
        &person("jon"),
        "FabrikamAD".parse().unwrap(),
        world.desk.now(),
        &SystemRandomness::new(),
    )
    .unwrap();
    let live = world.desk.live().unwrap();
    let code = world
        .desk
        .codes
        .issue(
            &live.view.seal_keys,
            &request,
            &session,
            world.desk.now(),
            &SystemRandomness::new(),
        )
        .unwrap();
    (code, session.session().id)
}

/// What the right application asks.
fn right(code: &str) -> Asked<'_> {
    Asked {
        code,
        client_id: APP,
        redirect_uri: CALLBACK,
        verifier: VERIFIER,
    }
}

#[derive(Clone, Copy)]
struct Asked<'a> {
    code: &'a str,
    client_id: &'a str,
    redirect_uri: &'a str,
    verifier: &'a str,
}

async fn redeem(world: &World, asked: Asked<'_>) -> Result<Grant, Invalid> {
    let live = world.desk.live().unwrap();
    let redemption = Redemption {
        code: asked.code,
        client_id: &asked.client_id.parse().unwrap(),
        redirect_uri: asked.redirect_uri,
        verifier: asked.verifier,
    };
    world
        .desk
        .codes
        .redeem(redemption, world.desk.judgement(&live))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_its_second_use_ends_the_session() {
    let world = World::new();
    let (code, session) = code(&world);
    let grant = redeem(&world, right(&code)).await.unwrap();
    assert_eq!(grant.session.id, session);
    assert_eq!(grant.nonce.as_deref(), Some("n-\"1\""));
    assert!(!world.desk.signed_out.contains(session));
    assert!(redeem(&world, right(&code)).await.is_err());
    assert!(world.desk.signed_out.contains(session));
}

#[tokio::test]
async fn a_code_is_for_its_application_address_and_verifier_and_a_wrong_try_uses_it_up() {
    let world = World::new();
    let other_verifier = VERIFIER.replace('d', "e");
    let wrong: [fn(Asked<'_>) -> Asked<'_>; 4] = [
        |right| Asked {
            client_id: SERVER,
            ..right
        },
        |right| Asked {
            redirect_uri: "https://app.example.com/callback",
            ..right
        },
        |right| Asked {
            verifier: "",
            ..right
        },
        |right| Asked {
            verifier: "eBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            ..right
        },
    ];
    assert_ne!(other_verifier, VERIFIER);
    for change in wrong {
        let (code, session) = code(&world);
        assert!(redeem(&world, change(right(&code))).await.is_err());
        assert!(redeem(&world, right(&code)).await.is_err());
        assert!(
            !world.desk.signed_out.contains(session),
            "no token was ever made of it"
        );
    }
}

#[tokio::test]
async fn a_code_lives_sixty_seconds() {
    let world = World::new();
    let (first, _) = code(&world);
    let (second, _) = code(&world);
    world.clock.advance(std::time::Duration::from_secs(59));
    assert!(redeem(&world, right(&first)).await.is_ok());
    world.clock.advance(std::time::Duration::from_secs(1));
    assert!(redeem(&world, right(&second)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_redemptions_at_two_gateways_one_succeeds() {
    let first = Arc::new(World::new());
    let second = Arc::new(first.beside("gateway-2.example.com:9443", |_| {}));
    for _ in 0..10 {
        let (code, _) = code(&first);
        let tries = (0..50).map(|number| {
            let world = Arc::clone(if number % 2 == 0 { &first } else { &second });
            let code = code.clone();
            tokio::spawn(async move { redeem(&world, right(&code)).await.is_ok() })
        });
        let mut won = 0;
        for each in tries.collect::<Vec<_>>() {
            won += usize::from(each.await.unwrap());
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn another_gateway_redeems_by_asking_the_one_that_issued() {
    let first = World::new();
    let second = first.beside("gateway-2.example.com:9443", |_| {});
    let (code, session) = code(&first);
    assert_eq!(
        redeem(&second, right(&code)).await.unwrap().session.id,
        session
    );
    assert_eq!(
        redeem(&second, right(&code)).await,
        Err(Invalid("the gateway that issued it refused"))
    );
    assert!(first.desk.signed_out.contains(session));
}

#[tokio::test]
async fn a_restarted_gateway_knows_no_codes_of_its_life_before() {
    let first = World::new();
    let second = first.beside("gateway-2.example.com:9443", |_| {});
    let (code, _) = code(&first);
    // The same address, another start.
    let restarted = first.beside("gateway-1.example.com:9443", |_| {});
    assert!(redeem(&restarted, right(&code)).await.is_err());
    assert!(redeem(&second, right(&code)).await.is_err());
}

#[tokio::test]
async fn a_code_dies_with_what_its_session_rests_on() {
    let world = World::new();
    let change: [fn(&mut Configuration); 2] = [
        |all| all.connections.clear(),
        |all| {
            all.connections
                .get_mut(&"FabrikamAD".parse().unwrap())
                .unwrap()
                .methods
                .password = false;
        },
    ];
    for change in change {
        let (code, _) = code(&world);
        let mut configuration = configuration();
        change(&mut configuration);
        let live = world.desk.live().unwrap();
        let mut judgement = world.desk.judgement(&live);
        judgement.configuration = &configuration;
        let redemption = Redemption {
            code: &code,
            client_id: &APP.parse().unwrap(),
            redirect_uri: CALLBACK,
            verifier: VERIFIER,
        };
        assert!(
            world
                .desk
                .codes
                .redeem(redemption, judgement)
                .await
                .unwrap()
                .is_err()
        );
    }
    let (code, session) = code(&world);
    world
        .desk
        .signed_out
        .sign_out(session, Timestamp(START + 3600), Timestamp(START));
    assert!(redeem(&world, right(&code)).await.is_err());
}

#[tokio::test]
async fn what_is_no_code_is_refused() {
    let world = World::new();
    for text in ["", "x", &"A".repeat(20_000)] {
        assert!(redeem(&world, right(text)).await.is_err());
    }
}
