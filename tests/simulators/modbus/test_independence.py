"""The simulated meters share their profiles with the driver, and nothing else."""

import grimp


def test_the_simulated_line_imports_neither_pymodbus_nor_the_drivers_code() -> None:
    graph = grimp.build_graph("simulators", "drivers", cache_dir=None, include_external_packages=True)
    modules = [module for module in graph.modules if module.startswith("simulators.modbus")]
    imported = {name for module in modules for name in graph.find_modules_directly_imported_by(module)}
    assert {name for name in imported if name.startswith(("drivers", "pymodbus"))} == {"drivers.modbus.profile"}
