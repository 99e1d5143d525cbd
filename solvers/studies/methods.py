FIXED_STEP={"RK4"}
def method_names(): return ["RK4","Tsit5","DOP853","Rodas5P"]
