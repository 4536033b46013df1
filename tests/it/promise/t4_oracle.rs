//! T4: OpenDP as an independent oracle for the numbers in the bundle table: the loss of each group, and epsilon of a
//! loss.

use opendp::{
    combinators::make_zCDP_to_approxDP,
    domains::{AtomDomain, VectorDomain},
    measurements::make_gaussian,
    measures::ZeroConcentratedDivergence,
    metrics::{AbsoluteDistance, L2Distance},
};
use spots_enrichment::privacy::{
    Bundle,
    bundles::{DELTA, GroupSpec, epsilon, rho_of_microunits},
    steps::STEPS,
};

/// rho of integer Gaussian noise on a vector, computed by OpenDP.
fn rho(d2: f64, sigma: f64) -> f64 {
    let domain = VectorDomain::new(AtomDomain::<i64>::default());
    let noise = make_gaussian::<_, _, ZeroConcentratedDivergence>(domain, L2Distance::<f64>::default(), sigma, None);
    noise.unwrap().map(&d2).unwrap()
}

/// The first steps of every bundle lose what they cost, for every number of steps.
#[test]
fn t4_opendp_agrees_on_what_every_bundle_loses() {
    for bundle in Bundle::ALL {
        let mut lost = 0.0;
        for step in 1..=STEPS {
            let of_group = |group: &GroupSpec| {
                rho((group.d2_squared as f64).sqrt(), group.sigma_milli_of_step(step) as f64 / 1000.0)
            };
            lost += bundle.groups().iter().map(of_group).sum::<f64>();
            let paid = bundle.rho_of_first(step);
            assert!(lost <= paid * (1.0 + 1e-9), "{}, {step} steps: loses {lost}, pays {paid}", bundle.name());
            // Prices are rounded up to microunits: by 0.2 % of the smallest one.
            assert!(lost > paid * 0.997, "{}, {step} steps: loses {lost}, pays {paid}", bundle.name());
        }
    }
}

/// A combination of steps has the loss that a single release with its noise would have: the mean of the steps is a
/// release of the same precision, so nothing that was paid is wasted.
#[test]
fn t4_the_noise_of_combined_steps_is_that_of_their_price() {
    for group in Bundle::ALL.into_iter().flat_map(Bundle::groups) {
        for steps in 1..=STEPS {
            let sigma = group.sigma_of_first(steps) * group.scale as f64;
            let paid = rho_of_microunits(i64::from(group.share_milli) * 1000) / 4_f64.powi(i32::from(STEPS - steps));
            let ratio = rho((group.d2_squared as f64).sqrt(), sigma) / paid;
            assert!((0.998..=1.0 + 1e-9).contains(&ratio), "{}, {steps} steps: {ratio}", group.name);
        }
    }
}

#[test]
fn t4_opendp_agrees_on_epsilon() {
    for milliunits in [120, 310, 500, 1_000, 20_000, 60_000, 240_000] {
        let rho = rho_of_microunits(milliunits * 1000);
        let domain = AtomDomain::<f64>::new_non_nan();
        let noise = make_gaussian(domain, AbsoluteDistance::<f64>::default(), 1.0 / (2.0 * rho).sqrt(), None).unwrap();
        let oracle = make_zCDP_to_approxDP(noise).unwrap().map(&1.0).unwrap().epsilon(DELTA).unwrap();
        let ours = epsilon(rho, DELTA);
        assert!((ours - oracle).abs() < 1e-3, "{milliunits} microunits: {ours}, OpenDP computes {oracle}");
    }
}

#[test]
fn t4_epsilons_are_the_published_ones() {
    for (units, published, digits) in [(1, 0.4990, 1e-3), (20, 2.48, 5e-3), (240, 10.04, 5e-3)] {
        let ours = epsilon(rho_of_microunits(units * 1_000_000), DELTA);
        assert!((ours - published).abs() < digits, "{units} units: {ours}, published {published}");
    }
}

/// The price that the ledger charges for a bundle is the sum of the shares of its groups.
#[test]
fn t4_every_group_is_in_the_price() {
    for bundle in Bundle::ALL {
        let shares: u32 = bundle.groups().iter().map(|group| group.share_milli).sum();
        assert_eq!(i64::from(shares) * 1000, bundle.price_microunits(), "{}", bundle.name());
    }
    spots_enrichment::privacy::steps::check().unwrap();
}
