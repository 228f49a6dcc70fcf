"""Can it still learn?"""
