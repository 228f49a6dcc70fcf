"""Which synapses live, and what do they carry?"""
