//! OpenDP as an independent oracle for what our table claims: the loss of each group, and epsilon of a loss.

use opendp::{
    combinators::make_zCDP_to_approxDP,
    domains::{AtomDomain, VectorDomain},
    measurements::make_gaussian,
    measures::ZeroConcentratedDivergence,
    metrics::{AbsoluteDistance, L2Distance},
};
use spots_enrichment::privacy::{
    Bundle,
    bundles::{DELTA, epsilon, rho_of_units},
};

/// rho of integer Gaussian noise on a vector, by OpenDP.
fn rho(d2: f64, sigma: f64) -> f64 {
    let domain = VectorDomain::new(AtomDomain::<i64>::default());
    let noise = make_gaussian::<_, _, ZeroConcentratedDivergence>(domain, L2Distance::<f64>::default(), sigma, None);
    noise.unwrap().map(&d2).unwrap()
}

#[test]
fn opendp_agrees_on_what_every_bundle_loses() {
    for bundle in Bundle::ALL {
        let groups = bundle.groups().iter();
        let lost: f64 = groups.map(|group| rho((group.d2_squared as f64).sqrt(), group.sigma())).sum();
        assert!(lost <= bundle.rho() * (1.0 + 1e-9), "{} loses {lost}, pays {}", bundle.name(), bundle.rho());
        assert!(lost > bundle.rho() * 0.999, "{} loses {lost}, pays {}", bundle.name(), bundle.rho());
    }
}

#[test]
fn opendp_agrees_on_epsilon() {
    for milli_units in [120, 310, 500, 1_000, 20_000, 60_000, 240_000] {
        let rho = rho_of_units(milli_units);
        let domain = AtomDomain::<f64>::new_non_nan();
        let noise = make_gaussian(domain, AbsoluteDistance::<f64>::default(), 1.0 / (2.0 * rho).sqrt(), None).unwrap();
        let oracle = make_zCDP_to_approxDP(noise).unwrap().map(&1.0).unwrap().epsilon(DELTA).unwrap();
        let ours = epsilon(rho, DELTA);
        assert!((ours - oracle).abs() < 1e-3, "{milli_units} milli-units: {ours}, OpenDP says {oracle}");
    }
}
