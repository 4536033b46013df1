//! The nine tests of the privacy promise, T1 to T9 (`docs/privacy.md`, "How to verify").

mod t1_sensitivity;
mod t2_sampler;
#[cfg(feature = "mutants")]
mod t3_mutants;
mod t4_oracle;
mod t5_attacks;
mod t5_steps;
mod t6_ledger;
mod t6_people;
mod t6_spending;
#[cfg(feature = "mutants")]
mod t6_kill;
mod t7_twins;
mod t8_canonical;
mod t9_sentinels;

#[cfg(not(feature = "mutants"))]
#[test]
fn t3_and_the_kills_of_t6_need_a_feature() {
    crate::app::left_out("T3 mutants and the kills of T6 (they need `--features mutants`)");
}
