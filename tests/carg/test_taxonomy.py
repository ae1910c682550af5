"""The published domains, and that tools land where a person would put them."""

import pytest

from gtm.carg.taxonomy import UNKNOWN, domains_of, taxonomy
from gtm.types import Tool


def test_the_taxonomy_is_wide() -> None:
    groups = taxonomy()
    domains = [f"{group}/{domain}" for group, inner in groups.items() for domain in inner]
    assert len(groups) >= 20 and len(domains) >= 330
    assert UNKNOWN in domains
    assert {"physical_sciences/classical_mechanics", "engineering/robotics", "finance/bank_accounts"} <= set(domains)


@pytest.mark.parametrize(
    ("family", "name", "description", "domain"),
    [
        ("x", "move_robot_arm", "Moves the gripper of a robot", "engineering/robotics"),
        ("x", "get_weather_forecast", "Hourly forecast of a city", "energy_and_environment/weather_forecasts"),
        ("aws/sqs", "ListAll", "Lists all.", "software_development/message_queues"),
        ("aws/ec2", "CreateVpnConnection", "Creates a VPN connection", "cloud_network/vpn_and_private_links"),
        ("x", "calculate_final_velocity", "From acceleration and time", "physical_sciences/classical_mechanics"),
        ("x", "frobnicate", "", UNKNOWN),
    ],
)
def test_a_tool_lands_where_its_words_say(family: str, name: str, description: str, domain: str) -> None:
    assert domains_of(family, [(Tool(name=name, description=description), "")]) == [domain]


def test_a_tool_without_words_of_its_own_is_about_what_its_siblings_are() -> None:
    bookings = [Tool(name=f"{verb}_hotel_room", description="A hotel room") for verb in ("find", "reserve", "cancel")]
    domains = domains_of("somebody", [(tool, "") for tool in (*bookings, Tool(name="get_status"))])
    assert domains == ["travel/hotels"] * 4


def test_a_family_about_many_things_says_nothing_of_a_tool() -> None:
    names = (
        "movie_search sql_query bird_sighting vat_rate send_sms chess_move cname pdf_tools parking_spot dicom "
        "kubernetes horoscope recipe_search podcast flight_status carbon_footprint podcast_list geocode"
    ).split()
    domains = domains_of("mixed", [(Tool(name=name), "") for name in (*names, "frobnicate")])
    assert len(set(domains[:-1])) > 12 and domains[-1] == UNKNOWN
