use super::*;

const NOW: Timestamp = Timestamp(1_777_777_777); // 2026-05-03, a Sunday, 03:09:37 UTC

fn reason(state: &AccountState, method: Method) -> Option<Reason> {
    state.refusal(method, NOW).map(|refusal| refusal.reason)
}

fn both(state: &AccountState) -> [Option<Reason>; 2] {
    [Method::Certificate, Method::Password].map(|method| reason(state, method))
}

#[test]
fn an_ordinary_account_may_sign_in_by_every_method() {
    assert_eq!(both(&AccountState::default()), [None, None]);
}

#[test]
fn every_state_refuses_on_every_method() {
    let ordinary = AccountState::default;
    for (state, expected) in [
        (
            AccountState {
                disabled: true,
                ..ordinary()
            },
            Reason::Disabled,
        ),
        (
            AccountState {
                locked: true,
                ..ordinary()
            },
            Reason::Locked,
        ),
        (
            AccountState {
                expires: Some(NOW),
                ..ordinary()
            },
            Reason::AccountExpired,
        ),
        (
            AccountState {
                must_change: true,
                ..ordinary()
            },
            Reason::MustChange,
        ),
        (
            AccountState {
                password_expired: true,
                ..ordinary()
            },
            Reason::PasswordExpired,
        ),
        (
            AccountState {
                logon_hours: Some(LogonHours([0; 21])),
                ..ordinary()
            },
            Reason::LogonHours,
        ),
    ] {
        assert_eq!(both(&state), [Some(expected); 2], "{state:?}");
    }
}

#[test]
fn the_order_of_refusals_is_the_documented_one() {
    let mut state = AccountState {
        disabled: true,
        locked: true,
        expires: Some(Timestamp(1)),
        must_change: true,
        password_expired: true,
        logon_hours: Some(LogonHours([0; 21])),
        smart_card_required: false,
    };
    let mut seen = Vec::new();
    while let Some(next) = reason(&state, Method::Password) {
        seen.push(next);
        match next {
            Reason::Disabled => state.disabled = false,
            Reason::AccountExpired => state.expires = None,
            Reason::Locked => state.locked = false,
            Reason::MustChange => state.must_change = false,
            Reason::PasswordExpired => state.password_expired = false,
            Reason::LogonHours => {
                state.logon_hours = None;
                state.smart_card_required = true;
            }
            _ => state.smart_card_required = false,
        }
    }
    assert_eq!(
        seen,
        [
            Reason::Disabled,
            Reason::AccountExpired,
            Reason::Locked,
            Reason::MustChange,
            Reason::PasswordExpired,
            Reason::LogonHours,
            Reason::NotAllowed
        ]
    );
}

#[test]
fn a_smart_card_only_account_is_not_judged_by_its_password_but_may_not_use_one() {
    let state = AccountState {
        must_change: true,
        password_expired: true,
        smart_card_required: true,
        ..AccountState::default()
    };
    assert_eq!(both(&state), [None, Some(Reason::NotAllowed)]);
    let disabled = AccountState {
        disabled: true,
        ..state
    };
    assert_eq!(both(&disabled), [Some(Reason::Disabled); 2]);
}

#[test]
fn an_account_lives_up_to_its_end_and_not_a_second_longer() {
    let ends = |end: u64| AccountState {
        expires: Some(Timestamp(end)),
        ..AccountState::default()
    };
    assert_eq!(reason(&ends(NOW.0 + 1), Method::Certificate), None);
    assert_eq!(
        reason(&ends(NOW.0), Method::Certificate),
        Some(Reason::AccountExpired)
    );
    let refusal = ends(NOW.0).refusal(Method::Certificate, NOW).unwrap();
    assert_eq!(refusal.detail, "the account ended on 2026-05-03");
}

#[test]
fn logon_hours_begin_on_sunday_at_midnight_utc() {
    let mut hours = [0; 21];
    hours[0] = 0b0000_1000; // Sunday, 03:00 to 04:00
    let hours = LogonHours(hours);
    assert!(hours.permit(NOW));
    assert!(!hours.permit(Timestamp(NOW.0 - 3600)));
    assert!(!hours.permit(Timestamp(NOW.0 + 3600)));
    assert!(!hours.permit(Timestamp(NOW.0 + 24 * 3600)));
    assert!(hours.permit(Timestamp(NOW.0 + 7 * 24 * 3600)));
    assert_eq!(LogonHours::try_from(&[0u8; 20][..]), Err(InvalidLogonHours));
}
