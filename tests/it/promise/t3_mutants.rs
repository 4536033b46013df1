//! T3: the tests of the promise can fail. Each fault, when switched on, must make the tests named here fail.

use std::process::Command;

use spots_enrichment::domain::mutant::Mutant;

/// Runs one test of this binary with a fault. Returns whether it passed, and its standard output.
fn run(test: &str, mutant: Option<Mutant>) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env_remove("MUTANT");
    if let Some(mutant) = mutant {
        command.env("MUTANT", mutant.name());
    }
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The tests that must detect a fault.
fn finders(mutant: Mutant) -> &'static [&'static str] {
    match mutant {
        Mutant::Sigma => &["promise::t2_sampler::t2_the_noise_of_every_group_has_its_variance"],
        Mutant::Clipping => &[
            "promise::t1_sensitivity::t1_the_most_hostile_people_move_no_sum_by_more_than_its_bound",
            "promise::t1_sensitivity::t1_one_person_moves_no_sum_of_the_whole_pipeline_by_more_than_its_bound",
        ],
        Mutant::Uncharged => &[
            "promise::t4_oracle::t4_every_group_is_in_the_price",
            "promise::t4_oracle::t4_opendp_agrees_on_what_every_bundle_loses",
        ],
        Mutant::Charge => &["promise::t6_ledger::t6_960_requests_for_one_release_by_seven_keys_charge_each_key_once"],
        Mutant::Floor => &["promise::t5_attacks::t5_the_floor_of_100_people_cannot_be_told_from_99"],
        Mutant::Atom => &["promise::t6_ledger::t6_every_age_band_of_a_segment_is_charged"],
        Mutant::Reuse => &["promise::t5_steps::t5_the_noise_of_steps_is_independent"],
        Mutant::Weights => &["promise::t5_steps::t5_combined_steps_have_the_published_sigma"],
        Mutant::Difference => &["promise::t5_attacks::t5_segments_that_hold_the_same_people_are_not_shown_twice"],
    }
}

#[test]
fn t3_every_mutant_is_found() {
    for mutant in Mutant::ALL {
        for test in finders(mutant) {
            let (passed, said) = run(test, Some(mutant));
            assert!(!passed && said.contains("0 passed; 1 failed"), "{test} misses {}: {said}", mutant.name());
        }
    }
}

/// The same tests must pass without a fault when run the same way; otherwise they could fail for another reason.
#[test]
fn t3_without_a_fault_the_same_tests_pass() {
    for test in Mutant::ALL.into_iter().flat_map(finders) {
        let (passed, said) = run(test, None);
        assert!(passed && said.contains("1 passed; 0 failed"), "{test}: {said}");
    }
}
