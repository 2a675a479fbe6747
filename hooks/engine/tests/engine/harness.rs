//! The whole harness on the toy operation.

use midships_engine::harness::{Scenario, exercise};

use crate::toy::{ChangeSetting, Product};

fn scenario<'a>(
    name: &'a str,
    operation: &'a ChangeSetting,
) -> Scenario<'a, Product, ChangeSetting> {
    Scenario {
        name,
        start: Product::new(),
        operation,
        cannot_act: &["servers_serving"],
        cannot_undo: &["servers_serving"],
        schedules: 300,
        only: None,
    }
}

#[test]
fn an_operation_with_a_point_of_no_return_survives_every_fault() {
    let operation = ChangeSetting::to(2);
    let counts = exercise(Scenario {
        cannot_act: &["servers_serving", "traffic_settled"],
        cannot_undo: &["servers_serving", "listener_retired", "traffic_settled"],
        ..scenario("change setting and retire", &operation)
    });
    match counts {
        Ok(counts) => println!("{counts}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn an_operation_that_can_be_undone_to_its_end_survives_every_fault() {
    let operation = ChangeSetting {
        retire: false,
        ..ChangeSetting::to(2)
    };
    match exercise(scenario("change setting", &operation)) {
        Ok(counts) => println!("{counts}"),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn a_list_of_exceptions_that_does_not_fit_the_plan_fails_the_harness() {
    let operation = ChangeSetting {
        retire: false,
        ..ChangeSetting::to(2)
    };
    let unlisted = Scenario {
        cannot_act: &[],
        cannot_undo: &["servers_serving", "store_copied", "absent"],
        schedules: 0,
        ..scenario("unlisted", &operation)
    };
    let failure = exercise(unlisted).unwrap_err();
    assert_eq!(failure.case, "coverage");
    assert!(
        failure
            .why
            .contains("Doing of servers_serving has no case Repeated"),
        "{failure}"
    );
    assert!(
        failure
            .why
            .contains("store_copied is listed as one that cannot undo"),
        "{failure}"
    );
    assert!(
        failure
            .why
            .contains("absent is listed, but the plan has no such step"),
        "{failure}"
    );
}

#[test]
fn a_command_that_does_harm_when_repeated_fails_the_harness_and_can_be_replayed() {
    let operation = ChangeSetting {
        retire: false,
        ..ChangeSetting::to(2)
    };
    let careless = || {
        let start = Product {
            careless: true,
            ..Product::new()
        };
        Scenario {
            start,
            schedules: 0,
            ..scenario("careless", &operation)
        }
    };
    let failure = exercise(careless()).unwrap_err();
    assert!(failure.why.contains("the fingerprint is"), "{failure}");
    assert!(failure.case.contains("Repeated"), "{failure}");
    let replayed = Scenario {
        only: Some(failure.case.clone()),
        ..careless()
    };
    assert_eq!(exercise(replayed).unwrap_err(), failure);
}
